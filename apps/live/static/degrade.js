// A slider for each degradation.

import { element } from "./panes.js";

const $ = (id) => document.getElementById(id);
const STEPS = 50; // of a slider

export class Degrade {
  constructor(changed) {
    Object.assign(this, { changed, seed: 0, sliders: {} });
    $("clean").onclick = () => this.reset();
    $("again").onclick = () => {
      this.seed = (this.seed + 1) % 1000;
      changed();
    };
  }

  start({ degrade }) {
    if (Object.keys(this.sliders).length) return;
    for (const [name, most] of Object.entries(degrade)) {
      const label = element("label", name.replaceAll("_", " "));
      const input = Object.assign(document.createElement("input"), { type: "range", min: 0, max: most, step: most / STEPS, value: 0, name });
      const output = element("output", "0");
      input.oninput = () => {
        output.value = Number(input.value).toPrecision(2);
        this.changed();
      };
      label.append(input, output);
      $("sliders").append(label);
      this.sliders[name] = { input, output };
    }
  }

  reset() {
    for (const { input, output } of Object.values(this.sliders)) [input.value, output.value] = [0, "0"];
    this.changed();
  }

  get strengths() {
    return Object.fromEntries(Object.entries(this.sliders).map(([name, { input }]) => [name, Number(input.value)]));
  }

  get on() {
    return Object.values(this.strengths).some(Boolean);
  }
}
