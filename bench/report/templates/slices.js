(() => {
  const section = document.getElementById("slices"), said = document.getElementById("slices-data");
  if (!said) return;
  let data;
  const make = (tag, text = "", className = "") => Object.assign(document.createElement(tag), { textContent: text, className });
  const head = (text, scope, className = "") => Object.assign(make("th", text, className), { scope });
  // A name may wrap after its joints, so that a phone's columns stay narrow.
  const breakable = (cell, name) => {
    cell.replaceChildren(...name.split(/(?=[@+])/).flatMap((part, place) => (place ? [make("wbr"), part] : [part])));
    return cell;
  };
  const draw = (place) => {
    data ??= JSON.parse(said.textContent);
    const { entries, wholes, rows, reach } = data.maps[place.dataset.map], table = make("table", "", "slicemap");
    table.append(make("caption", `${place.getAttribute("aria-label")}, lower is better`, "hidden"));
    const top = table.createTHead().insertRow(), body = table.createTBody(), whole = body.insertRow();
    top.append(head("Slice", "col", "stick"), head("Images", "col"), ...entries.map((name) => breakable(head("", "col"), name)));
    whole.className = "whole";
    whole.append(head("whole split", "row", "stick"), make("td"), ...wholes.map((value) => make("td", value.toFixed(2))));
    for (const [name, images, ...values] of rows) {
      const row = body.insertRow();
      row.append(head(data.slices[name].replace(":", ": "), "row", "stick"), make("td", images.toLocaleString("en")));
      values.forEach((value, at) => {
        if (value === null) return row.append(make("td", "–", "none"));
        const apart = value - wholes[at], cell = make("td", `${value.toFixed(2)} `);
        const shown = Math.abs(apart).toFixed(1);
        cell.append(make("small", `${Number(shown) === 0 ? "" : apart < 0 ? "−" : "+"}${shown}`));
        cell.style.setProperty(apart > 0 ? "--h" : "--e", `${reach ? Math.round((100 * Math.abs(apart)) / reach) : 0}%`);
        row.append(cell);
      });
    }
    place.append(table);
  };
  // A table is drawn when it is opened.
  const opened = (details) => {
    const place = details.querySelector("[data-map]");
    if (details.open && !place.childElementCount) draw(place);
  };
  section.addEventListener("toggle", (event) => opened(event.target), true);
  section.querySelectorAll("details").forEach(opened);

  // One track at a time; without this script all of them stand below each other.
  const tools = document.getElementById("slicetools"), tracks = [...section.querySelectorAll("div.slicetrack")];
  if (!tools) return;
  const choice = tools.querySelector("select");
  const show = () => {
    tracks.forEach((one, place) => { one.hidden = place !== Number(choice.value); });
    if (!tracks[choice.value].querySelector("details[open]")) tracks[choice.value].querySelector("details").open = true;
  };
  choice.addEventListener("change", show);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.hidden = false;
  show();
})();
