// Find, filter and order the units of a layer. Without it the page shows them all.
"use strict";

const controls = document.getElementById("controls");

function update() {
  const units = document.getElementById("units");
  const words = document.getElementById("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = document.getElementById("state").value;
  const order = document.getElementById("order").value;
  const cards = [...units.children];
  const key = (card) => (order === "unit" ? Number(card.dataset.unit) : -Number(card.dataset[order]));
  cards.sort((a, b) => key(a) - key(b) || a.dataset.unit - b.dataset.unit);
  let shown = 0;
  for (const card of cards) {
    const found = card.dataset.find.toLowerCase().split(/\s+/);
    const wanted = words.every((word) => (/^\d+$/.test(word) ? found[0] === word : found.some((f) => f.startsWith(word))));
    card.hidden = !(wanted && (!state || card.dataset.state === state));
    shown += card.hidden ? 0 : 1;
  }
  units.append(...cards);
  document.getElementById("shown").textContent = `${shown} of ${cards.length} units`;
}

if (controls) {
  controls.hidden = false;
  controls.addEventListener("input", update);
  controls.addEventListener("submit", (event) => event.preventDefault());
  update();
}
