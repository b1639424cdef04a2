// The page: what is chosen, what is asked of the server, and what comes back.

import { Degrade } from "./degrade.js";
import { show, showGrid, unitAt } from "./draw.js";
import { element, showAnswers, showChanges, showOcclusion, showReport, showStyles, showUnit, showWindows } from "./panes.js";
import { Sources, droppedFiles } from "./sources.js";
import { Socket } from "./socket.js";
import { Typed } from "./typed.js";
import { listenToKeys } from "./keys.js";

const $ = (id) => document.getElementById(id);
const SAID_MS = 12000, REPORT_MS = 200;

const state = { hello: null, networks: {}, layer: null, unit: 0, window: 0, version: 0, asked: new Set(), fitted: new Set(), last: null, times: [] };
let timer, reportTimer, asked = "";

const socket = new Socket({
  hello: greet, network: describe, look: take, closed: say, problem,
  typed: (header, arrays) => typed.typed(header, arrays),
  sweep: (header, arrays) => typed.part(header, arrays),
  kept: (header) => typed.kept(header),
  unit: showReport,
  occlusion: (header, arrays) => state.last && showOcclusion(header, arrays, state.last.arrays["0/windows"], state.last.header.networks[0].window),
  style: (header) => state.fitted.add(header.name),
});
const sources = new Sources(socket, say);
const typed = new Typed(socket, sources, () => $("first").value, say);
const degrade = new Degrade(changed);

export function say(text, good = false) {
  $("problem").hidden = false;
  $("problem").firstElementChild.textContent = text;
  $("problem").style.color = good ? "var(--accent)" : "";
  clearTimeout(timer);
  timer = setTimeout(() => ($("problem").hidden = true), SAID_MS);
}

function problem(header) {
  say(header.text);
  if (header.frame !== null) sources.answered(header.frame);
}

function greet(header) {
  const again = state.hello !== null;
  state.hello = header;
  sources.waiting.clear();
  state.asked.clear();
  if (!again) {
    $("problem").hidden = true;
    const options = () => header.names.map((name) => new Option(name, name));
    $("first").replaceChildren(...options());
    $("second").append(...options().slice(0, header.names.length));
    $("rule").append(...header.rules.map((rule) => new Option(rule, rule)));
    $("style-reading").hidden = !header.styles.length;
    degrade.start(header);
    typed.start(header.scripts).then(() => !sources.kind && header.scripts.length && begin());
  } else say("The server is there again.", true);
  asked = "";
  socket.tell({ type: "describe", name: $("first").value });
  if (again) sources.kind === "text" ? typed.send({ font: typed.font }) : sources.resend();
}

// Something to look at before anything is chosen.
function begin() {
  sources.choose("text");
  typed.send();
}

function describe(header) {
  state.networks[header.name] = header;
  sources.grey = names().every((name) => state.networks[name]?.channels === 1);
  if (header.name !== $("first").value) return;
  $("whole").parentElement.hidden = !header.model; // others get every picture whole
  const known = header.layers.map(([name]) => name);
  if (!known.includes(state.layer)) state.layer = known[Math.floor((known.length - 1) / 2)];
  $("layer-tabs").replaceChildren(...header.layers.map(([name, units]) => {
    const tab = element("button", `${name} `);
    tab.type = "button";
    tab.dataset.layer = name;
    tab.append(element("small", String(units)));
    tab.onclick = () => choose({ layer: name });
    return tab;
  }));
  $("target").replaceChildren(new Option("the prediction", ""), ...header.labels.map((label, number) => new Option(label, number)));
  choose({});
}

const names = () => [...new Set([$("first").value, $("second").value])].filter(Boolean);

function view() {
  return {
    layer: state.layer, unit: state.unit, window: state.window, contrast: $("contrast").value, rule: $("rule").value || null,
    grad_cam: $("grad-cam").checked, target: $("target").value === "" ? null : Number($("target").value), whole: $("whole").checked,
    overview: $("overview").checked, style: $("style").open, degrade: degrade.strengths, seed: degrade.seed,
  };
}

function changed() {
  state.version += 1;
  socket.tell({ type: "show", names: names(), view: view(), version: state.version });
  $("overviews").hidden = !$("overview").checked;
  if ($("style").open) for (const name of names()) askStyle(name);
  if (!degrade.on) $("changes").replaceChildren();
  clearTimeout(reportTimer);
  reportTimer = setTimeout(askReport, REPORT_MS);
}

function askStyle(name) {
  if (state.asked.has(name)) return;
  state.asked.add(name);
  socket.tell({ type: "style", name });
}

export function choose({ layer = state.layer, unit = state.unit, window = state.window }) {
  const network = state.networks[$("first").value];
  if (!network) return;
  const units = network.layers.find(([name]) => name === layer)?.[1] || 1;
  Object.assign(state, { layer, window, unit: Math.max(0, Math.min(unit, units - 1)) });
  for (const tab of $("layer-tabs").children) {
    tab.setAttribute("aria-selected", tab.dataset.layer === layer);
    if (tab.dataset.layer === layer) $("layer-tabs").scrollLeft = tab.offsetLeft - $("layer-tabs").offsetLeft;
  }
  $("maps").replaceChildren();
  changed();
}

function askReport() {
  const network = state.networks[$("first").value];
  const key = `${network?.name} ${state.layer} ${state.unit}`;
  if (!network || key === asked) return;
  asked = key;
  if (!state.hello.report || network.weights !== state.hello.report) return $("report").replaceChildren();
  socket.tell({ type: "unit", name: network.name, layer: state.layer, unit: state.unit });
}

function take(header, arrays) {
  sources.answered(header.frame);
  state.last = { header, arrays };
  requestAnimationFrame(draw);
  const now = performance.now();
  state.times = [...state.times.filter((time) => now - time < 2000), now];
}

let drawn = null;

function draw() {
  if (!state.last || drawn === state.last) return;
  drawn = state.last;
  const { header, arrays } = state.last, { networks } = header;
  const labels = state.networks[networks[0].name]?.labels || [];
  const grids = $("grids");
  grids.className = networks.length > 1 ? "two" : "";
  while (grids.children.length > networks.length) grids.lastChild.remove();
  networks.forEach((network, number) => {
    if (grids.children.length <= number) grids.append(grid());
    const figure = grids.children[number], { layer } = network;
    const more = layer.shown < layer.units ? `, ${layer.shown} of them shown` : "";
    figure.lastChild.textContent = `${networks.length > 1 ? `${network.name}: ` : ""}${layer.name}, ${layer.units} units of ${layer.map.join(" × ")}${more}; strongest ${layer.scale.toPrecision(3)}`;
    showGrid(figure.firstChild, arrays[`${number}/grid`], {
      side: layer.side, signed: layer.signed, selected: network.unit.unit,
      labels: layer.name.endsWith("head") && layer.units === labels.length ? labels : null,
    });
  });
  showAnswers(networks);
  showWindows(networks[0], arrays["0/windows"], (number) => choose({ window: number }));
  showUnit(networks, arrays, view(), labels);
  if (degrade.on) showChanges(networks);
  if ($("style").open) showStyles(networks, state.fitted);
  if (networks[0].overview) overview(networks[0], arrays);
  $("rate").textContent = sources.moving && !sources.frozen ? rate() : "";
}

function rate() {
  const span = state.times.length > 1 ? state.times.at(-1) - state.times[0] : 0;
  const latencies = sources.latencies.toSorted((a, b) => a - b);
  const late = latencies[Math.floor(latencies.length / 2)] || 0;
  return span ? `${Math.round(((state.times.length - 1) * 1000) / span)} frames/s, ${Math.round(late)} ms` : "";
}

function grid() {
  const figure = element("figure"), canvas = element("canvas", "", "grid");
  canvas.onclick = (event) => {
    const unit = unitAt(canvas, event);
    if (unit !== null) choose({ unit });
  };
  figure.style.margin = 0;
  figure.append(canvas, element("figcaption"));
  return figure;
}

function overview(network, arrays) {
  const pane = $("overviews");
  const layers = Object.entries(network.overview);
  if (pane.children.length !== layers.length) pane.replaceChildren(...layers.map(() => grid()));
  layers.forEach(([name, { side, signed }], number) => {
    const [canvas, caption] = pane.children[number].children;
    canvas.onclick = () => choose({ layer: name });
    canvas.className = "";
    caption.textContent = name;
    showGrid(canvas, arrays[`0/overview/${number}`], { side, signed, most: 260 });
  });
}

export function freeze(on = !sources.frozen) {
  sources.frozen = on;
  $("freeze").setAttribute("aria-pressed", on);
  if (sources.kind === "video") on ? sources.video.pause() : sources.video.play();
  else if (on && sources.moving) sources.resend();
}

export function occlude() {
  socket.tell({ type: "occlude", name: $("first").value });
}

for (const id of ["contrast", "rule", "grad-cam", "target", "whole", "overview"]) $(id).addEventListener("change", changed);
$("first").onchange = () => socket.tell({ type: "describe", name: $("first").value });
$("second").onchange = () => {
  sources.grey = false; // until its channels are known
  if ($("second").value) socket.tell({ type: "describe", name: $("second").value });
  changed();
};
for (const id of ["style", "degrade"]) $(id).addEventListener("toggle", changed);
$("freeze").onclick = () => freeze();
$("occlude").onclick = occlude;
$("help-button").onclick = () => $("help").showModal();
$("problem").lastElementChild.onclick = () => ($("problem").hidden = true);
for (const tab of document.querySelectorAll("[data-source]"))
  tab.onclick = () => {
    freeze(false);
    sources.choose(tab.dataset.source);
    if (tab.dataset.source === "text") typed.send({ font: typed.font });
  };
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  sources.add(await droppedFiles(event.dataTransfer));
});
addEventListener("paste", (event) => event.clipboardData.files.length && sources.add(event.clipboardData.files));
addEventListener("resize", () => {
  drawn = null;
  draw();
});
listenToKeys({ state, choose, freeze, occlude, sources, say });
