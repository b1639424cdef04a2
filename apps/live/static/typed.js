// Text typed in any font of the project, and one word swept through all of them.

import { show } from "./draw.js";

const $ = (id) => document.getElementById(id);
const DELAY_MS = 60; // after the last key

export class Typed {
  constructor(socket, sources, network, say) {
    Object.assign(this, { socket, sources, network, say, fonts: [], rows: [], font: null });
    $("text").oninput = () => this.later();
    $("script").onchange = () => this.send({ script: $("script").value });
    $("font").onchange = () => this.send({ font: Number($("font").value) });
    $("sweep").onclick = () => this.sweep();
  }

  async start(scripts) {
    $("text-tab").hidden = !scripts.length;
    if (!scripts.length || this.fonts.length) return;
    this.fonts = await (await fetch("/fonts.json")).json();
    $("script").replaceChildren(...scripts.map((script) => new Option(script, script)));
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send({ font: this.font }), DELAY_MS);
  }

  // `font` is used where it can draw the text, else the first that can, of `script` if one is chosen.
  send({ script = null, font = null } = {}) {
    const text = $("text").value;
    if (this.sources.kind !== "text" || !text.trim()) return;
    this.wanted = font;
    this.socket.tell({ type: "type", text, number: this.sources.next(), font, script });
  }

  // The server drew it: in which font and script; the text may be a word of the chosen script instead.
  typed(header, arrays) {
    if (this.sources.kind !== "text") return;
    if (document.activeElement !== $("text")) $("text").value = header.text;
    if (document.activeElement === $("font") && this.wanted !== header.font) this.say(`That font cannot draw “${header.text}”: another one does.`);
    if (this.listed !== header.script) this.list(header.script);
    $("script").value = header.script;
    $("font").value = this.font = header.font;
    this.sources.stage.size(...arrays.picture.shape.toReversed());
    show(this.sources.stage.preview, arrays.picture);
  }

  list(script) {
    $("script").value = this.listed = script;
    const own = this.fonts.filter((font) => font.script === script);
    $("font").replaceChildren(...own.map((font) => new Option(`${font.family} ${font.weight}, ${font.font_style}`, font.row)));
  }

  sweep() {
    this.rows = [];
    $("sweep-list").replaceChildren();
    $("sweeps").hidden = false;
    $("sweep-sum").textContent = "…";
    this.socket.tell({ type: "sweep", name: this.network(), text: $("text").value, script: $("script").value });
    $("sweeps").scrollIntoView({ behavior: "smooth" });
  }

  part(header, arrays) {
    header.answers.forEach((answer, number) => this.rows.push({ answer, item: this.item(answer, header, arrays.pictures, number) }));
    this.rows.sort((a, b) => a.answer.p_right - b.answer.p_right);
    $("sweep-list").replaceChildren(...this.rows.map((row) => row.item));
    const right = this.rows.filter((row) => row.answer.label === header.script).length;
    $("sweep-sum").textContent = `“${header.text}” is read as ${header.script} in ${right} of ${this.rows.length} fonts that can draw it`
      + (header.done < header.total ? ` (${header.done} of ${header.total} fonts tried)` : "")
      + "; the least probable first. A crop that is read wrong can be kept for training; designs that are held out cannot.";
  }

  item(answer, header, pictures, number) {
    const item = document.createElement("li");
    const canvas = document.createElement("canvas");
    show(canvas, pictures, { number });
    canvas.title = "show it";
    canvas.onclick = () => this.use(header.text, header.script, answer.row);
    const name = document.createElement("div");
    name.textContent = `${answer.family} ${answer.weight}`;
    const found = document.createElement("div");
    const wrong = answer.label !== header.script;
    item.classList.toggle("wrong", wrong);
    found.textContent = `${answer.label} ${percent(answer.p)}${wrong ? `, ${header.script} ${percent(answer.p_right)}` : ""} `;
    item.append(canvas, name, found);
    if (wrong) found.append(this.keeper(answer, header.text));
    return item;
  }

  keeper(answer, text) {
    if (answer.side !== "train") {
      const held = document.createElement("span");
      held.className = "note";
      held.textContent = "held out";
      return held;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Keep";
    button.dataset.row = answer.row;
    button.onclick = () => this.socket.tell({ type: "keep", text, font: answer.row });
    return button;
  }

  kept(header) {
    const button = document.querySelector(`#sweep-list button[data-row="${header.row}"]`);
    if (button) [button.textContent, button.disabled] = ["kept", true];
    this.say(`${header.again ? "It was there already" : "Kept"}: ${header.file} (${header.count} in its manifest). `
      + "unfont tag --from takes the manifest, and the next round mines them.", true);
  }

  use(text, script, font) {
    $("text").value = text;
    this.sources.choose("text");
    this.list(script);
    this.send({ font });
    scrollTo({ top: 0, behavior: "smooth" });
  }
}

export function percent(p) {
  return `${(100 * p).toFixed(p < 0.1 ? 1 : 0)}%`;
}
