// What the networks say, and what is known of the unit.

import { imageOf, overlay, show } from "./draw.js";
import { percent } from "./typed.js";

const $ = (id) => document.getElementById(id);

export function element(name, content = "", className = "") {
  const made = document.createElement(name);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

function figure(caption, canvas = document.createElement("canvas")) {
  const made = document.createElement("figure");
  made.append(canvas, element("figcaption", caption));
  return made;
}

// Figures of a pane by key: they are drawn anew, not made anew, frame by frame.
function into(pane, key, caption) {
  let found = pane.querySelector(`[data-key="${key}"]`);
  if (!found) {
    found = figure(caption);
    found.dataset.key = key;
    pane.append(found);
  }
  found.querySelector("figcaption").textContent = caption;
  return found.querySelector("canvas");
}

function only(pane, keys) {
  for (const child of [...pane.children]) if (!keys.has(child.dataset.key)) child.remove();
}

// Rows of a label, a share and, with `marks`, another share; a full bar is `most`.
export function bars(rows, marks = false, most = 1) {
  const table = element("table", "", "probabilities");
  for (const [label, p, mark] of rows) {
    const track = element("span", "", "bar-track");
    const bar = element("i");
    bar.style.width = `${(100 * p) / most}%`;
    track.append(bar);
    if (marks) {
      const line = element("b");
      line.style.left = `${(100 * mark) / most}%`;
      track.append(line);
    }
    const row = table.insertRow();
    row.append(element("td", label), element("td"), element("td", percent(p)));
    row.cells[1].append(track);
  }
  return table;
}

export function showAnswers(networks) {
  $("answers").replaceChildren(...networks.map((network) => {
    const side = element("div", "", "side");
    if (networks.length > 1) side.append(element("h3", network.name));
    const { answer } = network;
    if (!answer) return side.append(element("p", "The network gives no logits [batch, labels].", "note")), side;
    side.append(element("p", `${answer.label}  ${percent(answer.p)}`, "answer"));
    const notes = [];
    if (answer.windows > 1) notes.push(`${answer.agree} of ${answer.windows} windows agree`);
    if (network.turned) notes.push(`turned by ${network.turned}°`);
    if (answer.shares) notes.push(Object.entries(answer.shares).map(([label, share]) => `${label} ${percent(share)}`).join(", "));
    if (notes.length) side.append(element("p", notes.join("; "), "note"));
    side.append(bars(answer.top));
    return side;
  }));
}

export function showWindows(network, array, choose) {
  const strip = $("windows");
  while (strip.children.length > network.windows) strip.lastChild.remove();
  while (strip.children.length < network.windows) {
    const button = element("button");
    button.type = "button";
    button.append(document.createElement("canvas"), element("span"));
    const number = strip.children.length;
    button.onclick = () => choose(number);
    strip.append(button);
  }
  [...strip.children].forEach((button, number) => {
    show(button.firstChild, array, { number });
    const [label, p] = network.answer?.each[number] || ["", 0];
    button.lastChild.textContent = label && network.windows > 1 ? `${label} ${percent(p)}` : "";
    button.setAttribute("aria-selected", network.windows > 1 && number === network.window);
  });
}

export function showUnit(networks, arrays, view, labels) {
  const { layer, unit } = networks[0];
  const label = layer.units === labels.length && layer.name.endsWith("head") ? ` (${labels[unit.unit]})` : "";
  $("unit-title").textContent = `${layer.name}, unit ${unit.unit}${label}`;
  $("unit-numbers").textContent = networks.map((network) => {
    const values = `max ${network.unit.max.toPrecision(3)}, mean ${network.unit.mean.toPrecision(3)}`;
    const active = network.layer.map[0] * network.layer.map[1] > 1 ? `, active on ${percent(network.unit.active)} of positions` : "";
    return (networks.length > 1 ? `${network.name}: ` : "") + values + active;
  }).join("; ");
  const pane = $("unit-panes"), keys = new Set();
  networks.forEach((network, number) => {
    const named = networks.length > 1 ? `, ${network.name}` : "";
    const put = (key, caption, draw) => {
      keys.add(`${key}${number}`);
      draw(into(pane, `${key}${number}`, caption + named));
    };
    if (network.layer.map[0] * network.layer.map[1] > 1)
      put("map", "its map", (canvas) => show(canvas, arrays[`${number}/map`], { signed: network.layer.signed }));
    const found = arrays[`${number}/attribution`];
    if (found) put("attribution", `${view.rule} of the picture`, (canvas) => grey(canvas, found));
    else if (network.refused) put("attribution", `no ${view.rule}: ${network.refused}`, (canvas) => (canvas.width = canvas.height = 1));
    const heat = arrays[`${number}/grad_cam`];
    if (heat) put("cam", `Grad-CAM of ${network.grad_cam}`, (canvas) => overlay(canvas, arrays[`${number}/windows`], network.window, heat, false));
    else if (network.no_grad_cam) put("cam", network.no_grad_cam, (canvas) => (canvas.width = canvas.height = 1));
  });
  only(pane, keys);
}

function grey(canvas, array) {
  [canvas.height, canvas.width] = array.shape;
  canvas.getContext("2d").putImageData(imageOf(array.data, array.shape), 0, 0);
}

export function showOcclusion(header, arrays, windows, number) {
  const pane = $("maps");
  overlay(into(pane, "occlusion", `Occlusion: how much the logit of ${header.label} falls where a window is covered (orange), or rises (blue); at most ${header.fall.toPrecision(3)}. ${header.name}`),
    windows, number, arrays.occlusion, true);
}

export function showReport(header, arrays) {
  const pane = $("report");
  const parts = [element("h3", "In the report")];
  const labels = header.labels.map(([label, count]) => `${label} ${count}`).join(", ");
  parts.push(element("p", header.state === "dead" ? "No crop activates it." : `max ${header.max.toPrecision(3)}, active on ${percent(header.active)} of crops; its strongest crops: ${labels}`, "note"));
  for (const [key, title] of [["crops", "Strongest crops"], ["deconvnets", "Their deconvnets"]]) {
    const array = arrays[key];
    if (!array) continue;
    const nine = element("div", "", "nine");
    header.crops.forEach(([label, strength], number) => {
      const canvas = document.createElement("canvas");
      show(canvas, array, { number });
      canvas.title = `${label}, ${strength.toPrecision(3)}`;
      nine.append(key === "crops" ? figure(label, canvas) : canvas);
    });
    parts.push(element("h3", title), nine);
  }
  if (header.optimised.length) {
    const nine = element("div", "", "nine");
    for (const [setting, value] of header.optimised) {
      const canvas = document.createElement("canvas");
      show(canvas, arrays[`optimised/${setting}`]);
      nine.append(figure(`${setting}, ${value.toPrecision(3)}`, canvas));
    }
    parts.push(element("h3", "Images optimised for it"), nine);
  }
  pane.replaceChildren(...parts);
}

export function showChanges(networks) {
  $("changes").replaceChildren(...networks.filter((network) => network.change).map((network) => {
    const side = element("div", "", "side");
    if (networks.length > 1) side.append(element("h3", network.name));
    const rows = Object.entries(network.change).map(([layer, value]) => [layer, value < 0 ? 1 : value]);
    side.append(bars(rows, false, Math.max(1, ...rows.map(([, value]) => value))));
    return side;
  }));
}

export function showStyles(networks, fitted) {
  $("styles").replaceChildren(...networks.map((network) => {
    const side = element("div", "", "side");
    side.append(element("h3", network.name));
    const { style } = network;
    if (!style) side.append(element("p", fitted.has(network.name) ? "Of such a picture the probe knows nothing." : "The probe is being fitted: some seconds…", "note"));
    else {
      side.append(bars(style.labels, true));
      side.append(element("p", `${style.nuisance}: on crops that were held out the probe is right in ${percent(style.held_out)}, the best guess in ${percent(style.guess)}.`, "note"));
    }
    return side;
  }));
}
