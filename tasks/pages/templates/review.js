// Decide on suspected labels, and save the decisions as decisions.csv.
"use strict";

const { labels, offered, shown } = JSON.parse(document.getElementById("labels").textContent);
const cards = [...document.querySelectorAll(".suspect")];
const message = document.getElementById("message");
const download = document.getElementById("download");
const CHOICES = ["later", "keep", "suggestion", "other", "drop"]; // by the key that is pressed
let unsaved = false;

const chosen = (card) => card.querySelector("input:checked").value;

// The label that a card was given; "" leaves it out, undefined is no decision.
function labelOf(card) {
  const choice = chosen(card);
  if (choice === "keep") return labels[card.dataset.given];
  if (choice === "suggestion") return labels[card.dataset.suggested];
  if (choice === "drop") return "";
  const index = card.querySelector("select").value;
  return choice === "other" && index !== "" ? labels[index] : undefined;
}

const decided = () => cards.filter((card) => labelOf(card) !== undefined);
const quoted = (text) => `"${text.replaceAll('"', '""')}"`;

function update() {
  for (const card of cards) card.classList.toggle("decided", labelOf(card) !== undefined);
  const count = decided().length;
  message.textContent = `${count} of ${cards.length} decided`;
  download.disabled = count === 0;
}

// Hundreds of cards times hundreds of labels are too many: a card gets its options when it is about to be used.
function fill(event) {
  const select = event.target.closest?.(".suspect")?.querySelector("select");
  if (select && select.length === 1) select.append(...offered.map((index) => new Option(shown[index], index)));
}

function change(event) {
  const card = event.target.closest(".suspect");
  if (event.target.matches("select")) card.querySelector("[value=other]").checked = true;
  unsaved = true;
  update();
}

function press(event) {
  const choice = CHOICES[event.key];
  if (!choice || event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select")) return;
  event.preventDefault(); // the digit is not for the list of labels that is focused next
  const card = event.target.closest(".suspect");
  const radio = card.querySelector(`[value=${choice}]`);
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true })); // a change by a script fires no event
  const next = cards[cards.indexOf(card) + 1];
  if (choice === "other") card.querySelector("select").focus();
  else if (choice !== "later") (next ? next.querySelector("input:checked") : download).focus();
}

function save() {
  const lines = decided().map((card) => `${card.dataset.key},${quoted(labelOf(card))}\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["key,label\n", ...lines], { type: "text/csv" }));
  link.download = "decisions.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  unsaved = false;
  const command = document.createElement("code");
  command.textContent = "unfont review --from decisions.csv";
  message.replaceChildren(`${lines.length} saved. Now, in the project's folder: `, command, " (with the path that your browser saved it at)");
}

const list = document.getElementById("suspects");
for (const name of ["focusin", "pointerover", "pointerdown"]) list.addEventListener(name, fill);
list.addEventListener("change", change);
list.addEventListener("keydown", press);
download.addEventListener("click", save);
addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});
document.getElementById("save").hidden = false;
update();
