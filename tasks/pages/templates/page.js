// Find, filter and order the units of a layer, or of all. Without it the page shows them all.
"use strict";

const controls = document.getElementById("controls");

function update() {
  const units = document.getElementById("units");
  const words = document.getElementById("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const filters = [...controls.querySelectorAll("[data-filter]")].filter((filter) => filter.value);
  const order = document.getElementById("order").value;
  const rising = order === "unit" || order === "rank";
  const key = (card) => (rising ? 1 : -1) * Number(card.dataset[order]);
  const cards = [...units.children];
  cards.sort((a, b) => key(a) - key(b) || a.dataset.unit - b.dataset.unit);
  let shown = 0;
  for (const card of cards) {
    const found = card.dataset.find.toLowerCase().split(/\s+/);
    const named = (word) => (/^\d+$/.test(word) ? found[0] === word : found.some((f) => f.startsWith(word)));
    // "always on" is one value, labels are a list of numbers.
    const has = ({ value, dataset }) =>
      card.dataset[dataset.filter] === value || (dataset.filter === "labels" && card.dataset.labels.split(" ").includes(value));
    card.hidden = !(words.every(named) && filters.every(has));
    shown += card.hidden ? 0 : 1;
  }
  units.append(...cards);
  document.getElementById("shown").textContent = `${shown} of ${cards.length} units`;
}

if (controls) {
  controls.hidden = false;
  controls.addEventListener("input", update);
  controls.addEventListener("change", update);
  controls.addEventListener("submit", (event) => event.preventDefault());
  update();
}
