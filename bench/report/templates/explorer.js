(() => {
  const root = document.getElementById("explore");
  if (!root) return;
  root.hidden = false;
  const form = root.querySelector("form"), said = root.querySelector(".said"), cases = root.querySelector(".cases");
  const motion = root.querySelector(".motion"), reel = root.querySelector(".reel");
  const button = motion.querySelector("button"), slider = motion.querySelector("input"), output = motion.querySelector("output");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let data, timer, show = () => {};
  const sheets = new Map();

  const make = (tag, given = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), given);
    made.append(...inside);
    return made;
  };
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  // A sheet is decoded when one of its pictures is first shown.
  const sheet = (number) => {
    if (!sheets.has(number)) {
      const picture = new Image();
      picture.src = data.sheets[number];
      sheets.set(number, picture.decode().then(() => picture, () => {
        said.textContent = "This browser reads no AVIF pictures; the table below says how far off they are.";
        return make("canvas", { width: 1, height: 1 });
      }));
    }
    return sheets.get(number);
  };
  const canvas = (label, width = data.size, height = data.size) => {
    const made = make("canvas", { width, height });
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", label);
    return made;
  };
  const brush = (made) => made.getContext("2d", { willReadFrequently: true });
  const draw = async (made, [number, place]) => {
    const side = data.size, picture = await sheet(number);
    brush(made).drawImage(picture, 0, place * side, side, side, 0, 0, side, side);
  };
  const stepsOf = async ([number, place]) => {
    const side = data.size, off = make("canvas", { width: side, height: side });
    brush(off).drawImage(await sheet(number), 0, place * side, side, side, 0, 0, side, side);
    const codes = brush(off).getImageData(0, 0, side, side).data, top = data.ramp.length - 1;
    return Uint8Array.from({ length: side * side }, (_, at) => Math.round((codes[4 * at] * top) / 255));
  };
  const paint = (made, steps, colours, first) => {
    const side = data.size, pixels = brush(made).createImageData(side, side), table = colours.map(rgb);
    steps.forEach((step, at) => pixels.data.set([...table[step - first], 255], 4 * at));
    brush(made).putImageData(pixels, 0, 0);
  };
  const drawHeat = async (made, tile) => paint(made, await stepsOf(tile), data.ramp, 0);
  const drawApart = async (made, one, two) => {
    const [a, b] = [await stepsOf(one), await stepsOf(two)], top = data.ramp.length - 1;
    paint(made, Int16Array.from(a, (step, at) => step - b[at]), data.differences, -top);
  };

  const number = (value, place) => value.toFixed(data.metrics[place][2]).replace("-", "−");
  const scores = (values) => values.flatMap((value, place) => {
    const [name, unit] = data.metrics[place];
    return value === null ? [] : [make("br"), `${name} `, make("b", {}, number(value, place)), unit && unit !== "ΔE00" ? ` ${unit}` : ""];
  }).slice(1);
  const figure = (made, ...caption) => make("figure", {}, made, make("figcaption", {}, ...caption));

  const card = (wall, title, image, shown) => {
    const [id, group, slices, target, condition] = wall.images[image], strip = make("div", { className: "strip" });
    const add = (label, drawing, ...caption) => {
      const made = canvas(label);
      strip.append(figure(made, ...caption));
      drawing(made);
    };
    add(`${id}: what the model saw`, (made) => draw(made, condition), "what the model saw");
    add(`${id}: the true picture`, (made) => draw(made, target), "the true picture");
    for (const [entry, [, values, painted, heat]] of shown) {
      const off = `CIEDE2000 ${number(values[0], 0)}`;
      add(`${id}: painted by ${entry.name}, ${off}`, (made) => draw(made, painted), entry.name);
      add(`${id}: map of the errors of ${entry.name}, ${off}`, (made) => drawHeat(made, heat), ...scores(values));
    }
    if (shown.length === 2) {
      const [[first, [, one, , a]], [second, [, two, , b]]] = shown, apart = one[0] - two[0];
      const closer = apart === 0 ? "equally close" : `${apart < 0 ? first.name : second.name} is closer by ${number(Math.abs(apart), 0)}`;
      add(`${id}: where ${first.name} is closer (blue) and where ${second.name} is (orange); ${closer}`, (made) => drawApart(made, a, b), make("b", {}, closer));
    }
    const badges = slices.map((name) => make("span", { className: "badge plain" }, name));
    const head = make("h3", {}, title, make("span", {}, ` · ${id}`));
    return make("article", { className: "case" }, head, strip, make("p", { className: "meta" }, make("span", {}, `group ${group}`), ...badges));
  };

  // The centre column of every frame, side by side: an even colour is a level line, a flicker a jump.
  const flicker = async (made, tiles) => {
    const side = data.size, middle = side >> 1, wide = made.width / tiles.length;
    const found = await Promise.all(tiles.map(([number]) => sheet(number)));
    tiles.forEach(([, place], at) => brush(made).drawImage(found[at], middle, place * side, 1, side, at * wide, 0, wide, side));
  };
  const stop = () => { clearInterval(timer); timer = undefined; button.textContent = "Play"; button.setAttribute("aria-pressed", "false"); };
  const film = (wall, shown) => {
    stop();
    motion.hidden = !wall.clip.length;
    reel.replaceChildren();
    if (motion.hidden) return;
    const rows = [["the true clip", wall.clip.map((image) => wall.images[image][3])], ...shown.map((entry) => [entry.name, entry.clip])];
    const strip = make("div", { className: "strip" }), screens = [];
    for (const [name, tiles] of rows) {
      const screen = canvas(`${name}: the clip`), line = canvas(`${name}: the centre column of its ${tiles.length} frames, side by side`, tiles.length * 8);
      screens.push([screen, tiles]);
      strip.append(figure(screen, name), figure(line, `${name}: centre column, frame by frame`));
      flicker(line, tiles);
    }
    reel.append(strip);
    slider.max = wall.clip.length - 1;
    show = (at) => {
      slider.value = at;
      output.textContent = `${+at + 1} of ${wall.clip.length}`;
      for (const [screen, tiles] of screens) draw(screen, tiles[at]);
    };
    show(0);
  };
  slider.addEventListener("input", () => { stop(); show(+slider.value); });
  button.addEventListener("click", () => {
    if (timer) return stop();
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    timer = setInterval(() => show((+slider.value + 1) % (+slider.max + 1)), calm.matches ? 1000 : 125);
  });

  const fill = () => {
    const wall = data.walls[form.wall.value], options = () => wall.entries.map((entry, at) => make("option", { value: at }, `${entry.name} · ${entry.mean.toFixed(2)}`));
    const kept = [form.first, form.second].map((select) => select.selectedOptions[0]?.dataset.name);
    form.first.replaceChildren(...options());
    form.second.replaceChildren(make("option", { value: "" }, "no other"), ...options());
    form.first.selectedIndex = Math.max(0, wall.entries.findIndex((entry) => !entry.reference));
    [form.first, form.second].forEach((select, which) => {
      for (const option of select.options) {
        if (option.value !== "") option.dataset.name = wall.entries[option.value].name;
        if (kept[which] && option.dataset.name === kept[which]) option.selected = true;
      }
    });
  };
  const update = () => {
    const wall = data.walls[form.wall.value], first = wall.entries[form.first.value];
    const second = form.second.value === "" ? null : wall.entries[form.second.value], all = (entry) => [...entry.own, ...entry.common];
    const made = [];
    root.classList.toggle("two", second !== null);
    if (second === null) {
      ["Best", "Median", "Worst"].forEach((title, at) => made.push(card(wall, title, first.own[at][0], [[first, first.own[at]]])));
    } else {
      const seen = new Set();
      for (const one of [...first.common, ...first.own]) {
        const two = all(second).find((other) => other[0] === one[0]);
        if (two && !seen.has(one[0])) made.push(card(wall, `Image ${seen.add(one[0]).size}`, one[0], [[first, one], [second, two]]));
      }
    }
    cases.replaceChildren(...made);
    film(wall, second === null ? [first] : [first, second]);
    const who = second === null ? `its best, median and worst of the test split` : `against ${second.name}, on ${made.length} images that both show`;
    said.textContent = `${first.name}, ${wall.domain}, ${wall.track}: ${who}.`;
  };
  const start = () => {
    if (data) return;
    data = JSON.parse(document.getElementById("explorer-data").textContent);
    fill();
    update();
    form.addEventListener("change", (event) => { if (event.target === form.wall) fill(); update(); });
  };
  form.addEventListener("focusin", start);
  form.addEventListener("submit", (event) => event.preventDefault());
  // The page opens first; pictures are made when a reader comes near.
  new IntersectionObserver((seen, watch) => { if (seen.some((one) => one.isIntersecting)) { watch.disconnect(); start(); } }, { rootMargin: "800px" }).observe(root);
})();
