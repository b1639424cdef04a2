// Find families by their name, style or labels. Without it the page shows them all.
"use strict";

const form = document.getElementById("controls");

function start() {
  const families = [...document.querySelectorAll("#families > .family")];

  function update() {
    const asked = document.getElementById("find").value.toLowerCase().split(/[\s,-]+/).filter(Boolean);
    let shown = 0;
    for (const family of families) {
      const words = family.dataset.find.toLowerCase().split(/[\s,-]+/);
      family.hidden = !asked.every((word) => words.some((own) => own.startsWith(word)));
      shown += family.hidden ? 0 : 1;
    }
    document.getElementById("shown").textContent = `${shown} of ${families.length}`;
  }

  form.hidden = false;
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
}

if (form) start();
