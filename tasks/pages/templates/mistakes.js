// Find, filter and order the mistakes. Without it the page shows them all, the most confident first.
"use strict";

const form = document.getElementById("filter");
const list = document.getElementById("mistakes");

function wordsOf(card) {
  const names = [...card.querySelectorAll("abbr")].map((name) => name.title);
  return [card.textContent, ...names].join(" ").toLowerCase().split(/[\s,]+/);
}

function start() {
  const cards = [...list.children].map((card, index) => ({ card, index, words: wordsOf(card), ...card.dataset }));

  function update() {
    // Keys are shown in part: a whole key finds its crop too.
    const wanted = form.find.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const asked = wanted.map((word) => (/^[0-9a-f]{17,}$/.test(word) ? word.slice(0, 16) : word));
    let shown = 0;
    for (const one of cards) {
      const fits = ["true", "predicted", "split", "maps"].every((name) => !form[name]?.value || one[name] === form[name].value);
      one.card.hidden = !(fits && asked.every((word) => one.words.some((own) => own.startsWith(word))));
      shown += one.card.hidden ? 0 : 1;
    }
    const order = form.order.value; // "p" is the order of the page; labels are numbered in alphabetical order
    const sorted = [...cards].sort((a, b) => (order === "p" ? 0 : a[order] - b[order]) || a.index - b.index);
    if (sorted.some((one, index) => list.children[index] !== one.card)) list.append(...sorted.map((one) => one.card));
    document.getElementById("found").textContent = `${shown} of ${cards.length} mistakes`;
  }

  // #true=Cyrl&predicted=Latn, as the confusion matrix links to its cells.
  function ask() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const named = ["true", "predicted", "split"].filter((name) => asked.has(name));
    if (!named.length) return false;
    form.reset();
    for (const name of named) {
      const option = [...form[name].options].find(({ dataset, value }) => (dataset.label ?? value) === asked.get(name));
      if (option) form[name].value = option.value;
    }
    update();
    form.scrollIntoView();
    return true;
  }

  function follow() {
    if (ask()) return;
    const target = document.getElementById(location.hash.slice(1));
    if (!target || !list.contains(target)) return;
    if (target.hidden) {
      form.reset();
      update();
    }
    target.scrollIntoView();
  }

  form.hidden = false;
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", follow);
  update();
  follow();
}

if (form) start();
