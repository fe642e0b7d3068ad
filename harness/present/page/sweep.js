"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// A cell: [verdict, id, reason, answer, evidence, history, first line, last line, took ms, lane]; texts are shared.
function idOf(cell) { return data.texts[cell[1]] + data.texts[cell[10]]; }

function show(index) {
  const cell = data.cells[index];
  if (!cell) { return; }
  const [verdict, , reason, answer, evidence, history, first, last, took, lane] = cell;
  byId("which").textContent = idOf(cell);
  const rows = [["verdict", data.verdicts[verdict]], ["why", data.texts[reason]], ["answer", data.texts[answer]],
    ["seen", data.texts[evidence]], ["took", took + " ms, lane " + lane]];
  const list = byId("about");
  list.replaceChildren();
  for (const [word, text] of rows) { if (text) { add(list, word, text); } }
  const place = data.texts[history];
  if (place) {
    const link = document.createElement("a");
    link.href = place;
    link.textContent = place;
    add(list, "history", link, ": lines " + first + " to " + last);
  }
  const story = data.stories[index];
  if (story) { const pre = document.createElement("pre"); pre.textContent = story; add(list, "", pre); }
  const line = document.createElement("pre");
  line.textContent = data.repro.replace("{id}", quoted(idOf(cell)));
  add(list, "repro", line);
  byId("panel").hidden = false;
}

function quoted(text) { return "'" + text.replaceAll("'", "'\"'\"'") + "'"; }

function add(list, word, ...what) {
  const dt = document.createElement("dt");
  dt.textContent = word;
  const dd = document.createElement("dd");
  dd.append(...what);
  list.append(dt, dd);
}

// Each map: rows of cells, each [column, index of the cell]; geometry is in the map's data.
function wire(map) {
  const svg = byId(map.svg);
  if (!svg) { return; }
  const cursor = svg.querySelector(".cursor");
  let row = 0, at = 0;
  function select(newRow, newAt) {
    row = Math.max(0, Math.min(map.rows.length - 1, newRow));
    const cells = map.rows[row].cells;
    at = Math.max(0, Math.min(cells.length - 1, newAt));
    const [column, index] = cells[at];
    cursor.setAttribute("x", map.left + column * map.width);
    cursor.setAttribute("y", map.rows[row].y);
    cursor.setAttribute("visibility", "visible");
    show(index);
  }
  function nearest(cells, column) {
    let best = 0;
    cells.forEach((cell, n) => { if (Math.abs(cell[0] - column) < Math.abs(cells[best][0] - column)) { best = n; } });
    return best;
  }
  function upOrDown(step) {
    const next = Math.max(0, Math.min(map.rows.length - 1, row + step));
    select(next, nearest(map.rows[next].cells, map.rows[row].cells[at][0]));
  }
  svg.addEventListener("click", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const hit = map.rows.findIndex((each) => point.y >= each.y && point.y < each.y + map.height);
    if (hit < 0 || point.x < map.left) { return; }
    const column = Math.floor((point.x - map.left) / map.width);
    const found = map.rows[hit].cells.findIndex((cell) => cell[0] === column);
    if (found >= 0) { select(hit, found); }
  });
  svg.addEventListener("keydown", (event) => {
    const far = event.shiftKey ? 10 : 1;
    const keys = { ArrowLeft: () => select(row, at - far), ArrowRight: () => select(row, at + far),
      ArrowUp: () => upOrDown(-far), ArrowDown: () => upOrDown(far), Home: () => select(row, 0),
      End: () => select(row, map.rows[row].cells.length - 1), Enter: () => select(row, at) };
    if (event.key in keys) { keys[event.key](); event.preventDefault(); }
  });
}

data.maps.forEach(wire);
document.addEventListener("click", (event) => {
  const index = event.target.dataset ? event.target.dataset.cell : undefined;
  if (index !== undefined) { show(Number(index)); }
});
byId("close").addEventListener("click", () => { byId("panel").hidden = true; });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") { byId("panel").hidden = true; } });
