"use strict";
(() => {
  const section = document.getElementById("boards");
  const panels = [...section.querySelectorAll(".panel")];
  const byId = (id) => document.getElementById(id);
  const make = (tag, text = "", className = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    made.className = className;
    return made;
  };
  const MOST = 100; // A browser lays out that many rows between two frames; the others are shown on request.
  const parts = ["domain", "track", "split"];
  const collator = new Intl.Collator("en");
  let shown = null;

  // Numbers: each table's JSON, read once it is needed; what the tables say alike stands once on the page.
  const kept = new WeakMap();
  let alike;
  const numbersOf = (panel) => {
    if (!kept.has(panel)) {
      alike ??= JSON.parse(byId("numbers").textContent);
      const own = JSON.parse(panel.querySelector('script[type="application/json"]').textContent);
      kept.set(panel, { ...own, reasons: alike.reasons, columns: own.columns.map((place) => alike.columns[place]) });
    }
    return kept.get(panel);
  };
  const signature = (panel, place) => {
    const { columns, key, n } = numbersOf(panel);
    return columns[place][4].replaceAll("\ue000", () => key).replaceAll("\ue001", n);
  };
  const valueOf = (cell) => (typeof cell === "number" ? cell : cell.length > 1 ? cell[0] : null);
  const printed = (value, digits) => value.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", "−");
  const namesOf = (row) => (row.entry ??= row.querySelector(".entry").textContent);
  for (const panel of panels) [...panel.querySelector("tbody").rows].forEach((row, place) => { row.place = place; });

  // Sorting. `from` is the number of the first metric's column; before it stand the entry and its rank.
  const sort = (panel, table, head, from) => {
    const heads = [...table.tHead.rows[0].cells];
    const place = heads.indexOf(head);
    const first = head.dataset.first;
    const order = head.ariaSort === first ? (first === "ascending" ? "descending" : "ascending") : first;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const { rows } = numbersOf(panel);
    const key = place === 0 ? namesOf : place === 1 ? (row) => row.place : (row) => valueOf(rows[row.place][from + place - 2]);
    const keyed = [...table.tBodies[0].rows].map((row) => [key(row), row]);
    keyed.sort(([x, a], [y, b]) => {
      if (x === null || y === null) return (x === null) - (y === null) || a.place - b.place;
      return sign * (place === 0 ? collator.compare(x, y) : x - y) || a.place - b.place;
    });
    table.tBodies[0].replaceChildren(...keyed.map(([, row]) => row));
    filter();
  };

  // The other metrics: drawn when they are asked for, from the numbers and the first table's names.
  const draw = (panel, details) => {
    const { columns, main, rows, best } = numbersOf(panel);
    const board = panel.querySelector("table.board");
    const table = make("table", "", "board");
    table.dataset.from = main;
    table.append(make("caption", `${board.caption.textContent}; more metrics`, "hidden"));
    const top = table.createTHead().insertRow();
    top.append(...[...board.tHead.rows[0].cells].slice(0, 2).map((cell) => cell.cloneNode(true)));
    const heads = columns.slice(main).map(([name, unit, direction]) => {
      const head = make("th");
      head.scope = "col";
      head.dataset.first = direction === -1 ? "ascending" : "descending";
      const button = make("button");
      button.type = "button";
      const bold = make("b");
      bold.append(make("bdi", name), ` ${{ "-1": "↓", 1: "↑", 0: "" }[direction]}`);
      button.append(bold, make("bdi", unit), make("span", direction ? ` ${direction < 0 ? "lower" : "higher"} is better` : "", "hidden"));
      head.append(button);
      return head;
    });
    top.append(...heads);
    [...top.cells].forEach((head, place) => (place === 1 ? head.setAttribute("aria-sort", "ascending") : head.removeAttribute("aria-sort")));
    const ranked = [...board.tBodies[0].rows].sort((a, b) => a.place - b.place);
    const body = table.createTBody();
    for (const row of ranked) {
      const made = body.insertRow();
      made.className = row.className;
      made.place = row.place;
      made.append(...[...row.cells].slice(0, 2).map((cell) => cell.cloneNode(true)));
      rows[row.place].slice(main).forEach((cell, at) => {
        const value = valueOf(cell);
        const text = value === null ? "–" : printed(value, columns[main + at][3]);
        made.insertCell().append(best[at].includes(row.place) ? make("b", text) : text);
      });
    }
    const scroll = make("div", "", "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-labelledby", details.firstElementChild.id);
    scroll.append(table);
    details.append(scroll);
    filter();
  };

  // How each number was made, as a list.
  const listSignatures = (panel, details) => {
    const list = make("dl", "", "signatures");
    numbersOf(panel).columns.forEach(([name], place) => {
      const term = make("dt"), told = make("dd"), code = make("code");
      term.append(make("bdi", name));
      code.append(make("bdi", signature(panel, place)));
      told.append(code);
      list.append(term, told);
    });
    details.append(list);
  };

  // Which entries are shown.
  const find = byId("find"), model = byId("model"), references = byId("references"), own = byId("own");
  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    const keep = (row) => {
      const name = namesOf(row);
      if (row.className === "reference") return references.checked && name.toLowerCase().includes(wanted);
      return name.toLowerCase().includes(wanted) && (!model.value || name.split("@")[0] === model.value)
        && (!own.checked || row.querySelector(".home") !== null);
    };
    const most = shown.dataset.all ? Infinity : MOST;
    let passed = 0;
    for (const body of shown.querySelectorAll("table.board > tbody")) {
      passed = 0;
      for (const row of body.rows) row.hidden = !keep(row) || (passed += 1) > most;
      // The Tab key reaches one cell of each table, and arrows the others: never one that is hidden.
      const reached = body.querySelector("[tabindex='0']");
      if (reached && !reached.parentElement.hidden) continue;
      if (reached) reached.tabIndex = -1;
      const first = [...body.rows].find((row) => !row.hidden);
      const cell = first?.querySelector("td.primary") ?? first?.cells[2];
      if (cell) cell.tabIndex = 0;
    }
    const button = shown.querySelector("button.all");
    button.hidden = passed <= most;
    button.textContent = `Show all ${passed} rows`;
    const rows = [...shown.querySelector("table.board").tBodies[0].rows].filter((row) => row.className !== "reference");
    const left = rows.filter((row) => !row.hidden).length;
    byId("count").textContent = left === rows.length ? `${rows.length} entries` : `${left} of ${rows.length} entries`;
  };
  let asked = 0;
  const soon = () => { cancelAnimationFrame(asked); asked = requestAnimationFrame(filter); };
  byId("tools").addEventListener("input", soon);
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  const listModels = () => {
    const rows = [...shown.querySelector("table.board").tBodies[0].rows].filter((row) => row.className !== "reference");
    const found = [...new Set(rows.map((row) => namesOf(row).split("@")[0]))].sort(collator.compare);
    const before = model.value;
    model.replaceChildren(new Option("all", ""), ...found.map((name) => new Option(name.length > 60 ? `${name.slice(0, 60)}…` : name, name)));
    model.value = found.includes(before) ? before : "";
  };

  // One board at a time; each has an address of its own.
  const placeOf = (panel) => parts.map((part) => panel.dataset[part]);
  const nearest = (part, value) => {
    const [domain, track, split] = placeOf(shown).map((now, at) => (parts[at] === part ? value : now));
    const score = (panel) => 4 * (panel.dataset[part] === value) + 2 * (panel.dataset.domain === domain)
      + 1.5 * (panel.dataset.track === track) + (panel.dataset.split === split);
    return panels.reduce((best, panel) => (score(panel) > score(best) ? panel : best));
  };
  const addressOf = (panel) => `#${panel.querySelector("h4").id}`;
  const picker = byId("picker");
  const pick = () => {
    picker.replaceChildren(...parts.flatMap((part) => {
      const values = [...new Set(panels.map((panel) => panel.dataset[part]))];
      if (values.length < 2) return [];
      const group = make("nav");
      group.setAttribute("aria-label", `Choose the ${part}`);
      group.append(make("span", part), ...values.map((value) => {
        const link = make("a", value);
        link.href = addressOf(nearest(part, value));
        if (shown.dataset[part] === value) link.setAttribute("aria-current", "true");
        return link;
      }));
      return [group];
    }));
  };
  const show = (panel) => {
    if (panel === shown) return;
    shown = panel;
    for (const other of panels) other.classList.toggle("shown", other === panel);
    for (const board of section.querySelectorAll("article")) board.hidden = !board.contains(panel);
    pick();
    listModels();
    filter();
  };
  const open = () => {
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { /* as it stands */ }
    if (!name) return show(panels[0]);
    const target = byId(name);
    const board = target?.closest("#boards article");
    if (!board) return;
    const own = [...board.querySelectorAll(".panel")];
    show(target.closest(".panel") ?? own.find((panel) => panel.dataset.split === shown.dataset.split) ?? own[0]);
    // A board is reached with its picker above it.
    section.style.setProperty("--above", `${board.getBoundingClientRect().top - picker.getBoundingClientRect().top}px`);
    target.scrollIntoView();
  };
  picker.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const at = [...picker.querySelectorAll("a")].indexOf(link);
    history.pushState(null, "", link.hash);
    show(byId(link.hash.slice(1)).closest(".panel"));
    picker.querySelectorAll("a")[at]?.focus();
  });

  // How a number was made: on hover, on keyboard focus, on a tap.
  const tip = byId("tip");
  let told = null;
  const hide = () => { told?.removeAttribute("aria-describedby"); told = null; tip.hidden = true; };
  const describe = (cell) => {
    const panel = cell.closest(".panel");
    const table = cell.closest("table");
    const { columns, rows, reasons, doubts } = numbersOf(panel);
    const row = cell.closest("tbody") ? cell.parentElement : null;
    const lines = [];
    if (row && cell.cellIndex < 2) {
      const name = cell.parentElement.cells[0];
      lines.push(make("b", namesOf(row)), ...[...name.querySelectorAll("abbr, .badge")].map((one) => make("span", one.title || one.textContent)));
      const [rank, open] = ["b", "small"].map((tag) => row.cells[1].querySelector(tag)?.textContent);
      if (rank) lines.push(make("span", open ? `rank ${rank}; the data leave ${open} open` : `rank ${rank}`));
      if (name.querySelector(".home")) lines.push(make("span", `trained on ${panel.dataset.domain}`));
      return lines;
    }
    if (cell.cellIndex < 2) return [];
    const place = Number(table.dataset.from ?? 0) + cell.cellIndex - 2;
    const [name, unit, direction, digits] = columns[place];
    const head = make("b", name);
    lines.push(head);
    if (row) {
      const number = rows[row.place][place];
      const value = valueOf(number);
      head.textContent = value === null ? `${name}: absent` : `${name} ${printed(value, digits)} ${unit}`;
      if (value === null) lines.push(make("span", reasons[number[0]]));
      const [low, high] = number.length === 2 ? [value - number[1], value + number[1]] : number.length === 3 ? number.slice(1) : [];
      if (low !== undefined) lines.push(make("span", `95 % interval ${printed(low, digits)} to ${printed(high, digits)}`));
      lines.push(make("span", panel.querySelector(".meta > span").textContent));
    }
    if (direction) lines.push(make("span", `${direction < 0 ? "lower" : "higher"} is better${unit && !row ? `, in ${unit}` : ""}`));
    if (doubts[place]) lines.push(make("span", `unreliable: ${doubts[place]}`, "doubt"));
    lines.push(make("code", signature(panel, place)));
    return lines;
  };
  const tell = (cell) => {
    if (!cell || cell === told) return;
    const lines = describe(cell);
    hide();
    if (!lines.length) return;
    tip.replaceChildren(...lines.map((one) => { one.dir = "auto"; return one; }));
    tip.hidden = false;
    told = cell.querySelector("button") ?? cell;
    told.setAttribute("aria-describedby", "tip");
    put();
  };
  const put = () => {
    const around = told.closest("th, td").getBoundingClientRect();
    const left = Math.min(Math.max(8, around.left), document.documentElement.clientWidth - tip.offsetWidth - 8);
    const below = around.bottom + 8 + tip.offsetHeight < innerHeight;
    tip.style.left = `${left}px`;
    tip.style.top = `${below ? around.bottom + 6 : Math.max(8, around.top - tip.offsetHeight - 6)}px`;
  };
  const cellOf = (event) => event.target.closest("table.board :is(th, td)");
  // A mouse on its way elsewhere is not a question, and one on its way into the answer shall get there.
  let waiting = 0;
  const later = (event) => {
    if (event.pointerType !== "mouse") return;
    clearTimeout(waiting);
    const cell = cellOf(event);
    if (!event.target.closest("#tip")) waiting = setTimeout(() => (cell ? tell(cell) : hide()), 250);
  };
  document.addEventListener("pointerover", later);
  section.addEventListener("focusin", (event) => tell(cellOf(event)));
  section.addEventListener("focusout", hide);
  addEventListener("scroll", () => told && put(), { capture: true, passive: true });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  document.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (!cell) return event.target.closest("#tip") ? undefined : hide();
    const head = event.target.closest("thead th");
    const table = cell.closest("table");
    if (head && event.target.closest("button")) sort(cell.closest(".panel"), table, head, Number(table.dataset.from ?? 0));
    tell(cell);
  });
  for (const button of section.querySelectorAll("button.all")) {
    button.addEventListener("click", () => { shown.dataset.all = "yes"; filter(); });
  }
  section.addEventListener("toggle", (event) => {
    const details = event.target;
    if (!details.open || details.childElementCount > 1) return;
    if (details.matches("details.more")) draw(details.closest(".panel"), details);
    if (details.matches("details.made")) listSignatures(details.closest(".panel"), details);
  }, true);

  // Arrows walk from number to number once one has the focus.
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  section.addEventListener("keydown", (event) => {
    const cell = event.target;
    if (!steps[event.key] || !cell.matches("table.board tbody > tr > *")) return;
    const [down, right] = steps[event.key];
    let row = cell.parentElement;
    const next = () => (down > 0 ? row.nextElementSibling : row.previousElementSibling);
    if (down) { do row = next(); while (row?.hidden); }
    const to = row?.cells[cell.cellIndex + right];
    if (!to) return;
    event.preventDefault();
    cell.tabIndex = -1;
    to.tabIndex = 0;
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest", inline: "nearest" });
    tell(to);
  });

  if (!panels.length) return;
  show(panels[0]);
  picker.hidden = false;
  byId("tools").hidden = false;
  addEventListener("hashchange", open);
  addEventListener("popstate", open);
  open();
})();
