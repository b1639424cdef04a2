// The keyboard: units by arrows, layers by page keys, the rest by letters.

const $ = (id) => document.getElementById(id);

export function listenToKeys({ state, choose, freeze, occlude, sources }) {
  const layers = () => state.networks[$("first").value]?.layers.map(([name]) => name) || [];
  const side = () => state.last?.header.networks[0].layer.side || 1;
  const layer = (by) => choose({ layer: layers()[Math.max(0, Math.min(layers().indexOf(state.layer) + by, layers().length - 1))] });
  const cycle = (id) => {
    const select = $(id);
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    select.dispatchEvent(new Event("change"));
  };
  const keys = {
    ArrowLeft: () => choose({ unit: state.unit - 1 }),
    ArrowRight: () => choose({ unit: state.unit + 1 }),
    ArrowUp: () => choose({ unit: Math.max(state.unit - side(), state.unit % side()) }),
    ArrowDown: () => choose({ unit: state.unit + side() }),
    PageUp: () => layer(-1),
    PageDown: () => layer(1),
    "[": () => layer(-1),
    "]": () => layer(1),
    f: () => freeze(),
    " ": () => freeze(),
    c: () => cycle("contrast"),
    b: () => cycle("rule"),
    g: () => $("grad-cam").click(),
    a: () => $("overview").click(),
    o: () => occlude(),
    n: () => sources.pictures.length && sources.picture(sources.at + 1),
    p: () => sources.pictures.length && sources.picture(sources.at - 1),
    w: () => choose({ window: (state.window + 1) % (state.last?.header.networks[0].windows || 1) }),
    "?": () => $("help").showModal(),
  };
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=checkbox]):not([type=file]), select, dialog *");
    const pressed = event.target.matches("button, summary") && (event.key === " " || event.key === "Enter");
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || typing || pressed || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
}
