// Bytes as pictures: activation maps in grids, crops, attributions.

const GAP = 2; // pixels between the maps of a grid
const MOST_HEIGHT = 0.72; // of the window, that a grid takes

const LIGHT = table((value) => [value, value, value]);
// Below 128 negative: blue; above positive: orange.
const TWO_SIDED = table((value) => {
  const share = (value - 128) / 127;
  const strength = Math.min(1, Math.abs(share)) ** 0.8;
  const to = share < 0 ? [96, 165, 255] : [255, 158, 66];
  return to.map((channel) => Math.round(16 + (channel - 16) * strength));
});

function table(colour) {
  const entries = new Uint32Array(256);
  for (let value = 0; value < 256; value++) {
    const [red, green, blue] = colour(value);
    entries[value] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }
  return entries;
}

// `shape` is [h, w] or [h, w, 3]; `data` starts at its first byte.
export function imageOf(data, shape, signed = false) {
  const [height, width, channels] = shape;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  if (channels === 3) {
    for (let place = 0; place < pixels.length; place++)
      pixels[place] = (255 << 24) | (data[3 * place + 2] << 16) | (data[3 * place + 1] << 8) | data[3 * place];
  } else {
    const colours = signed ? TWO_SIDED : LIGHT;
    for (let place = 0; place < pixels.length; place++) pixels[place] = colours[data[place]];
  }
  return image;
}

export function show(canvas, array, { signed = false, number = null } = {}) {
  const stacked = number !== null;
  const shape = stacked ? array.shape.slice(1) : array.shape;
  const size = shape.reduce((product, side) => product * side, 1);
  const data = stacked ? array.data.subarray(number * size, (number + 1) * size) : array.data;
  canvas.width = shape[1];
  canvas.height = shape[0];
  canvas.getContext("2d").putImageData(imageOf(data, shape, signed), 0, 0);
}

const scratch = document.createElement("canvas");

// All maps of a layer, row by row; returns nothing, but leaves the layout on the canvas for `unitAt`.
export function showGrid(canvas, array, { side, signed, selected = -1, labels = null, most = null }) {
  const [units, rows, columns] = array.shape;
  const down = Math.ceil(units / side);
  const ratio = window.devicePixelRatio || 1;
  const width = most ? most : Math.max(120, canvas.parentElement.clientWidth) * ratio;
  const tall = most ? most : window.innerHeight * MOST_HEIGHT * ratio;
  const gap = most ? 1 : GAP;
  const cell = Math.max(1, Math.min((width - gap * (side - 1)) / side, ((tall - gap * (down - 1)) / down) * (columns / rows)));
  const wide = Math.max(1, Math.floor(cell)), high = Math.max(1, Math.floor((cell * rows) / columns));
  scratch.width = columns;
  scratch.height = units * rows;
  scratch.getContext("2d").putImageData(imageOf(array.data, [units * rows, columns], signed), 0, 0);
  const size = [side * wide + gap * (side - 1), down * high + gap * (down - 1)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, ...size);
  context.imageSmoothingEnabled = false;
  for (let unit = 0; unit < units; unit++) {
    const x = (unit % side) * (wide + gap), y = Math.floor(unit / side) * (high + gap);
    context.drawImage(scratch, 0, unit * rows, columns, rows, x, y, wide, high);
    if (labels && !most) named(context, labels[unit], x, y, wide, high);
    if (unit === selected) {
      context.strokeStyle = "#ffd23e";
      context.lineWidth = Math.max(2, gap);
      context.strokeRect(x - 1, y - 1, wide + 2, high + 2);
    }
  }
  if (!most) canvas.style.maxWidth = `${size[0] / ratio}px`;
  canvas.layout = { side, units, wide: wide + gap, high: high + gap };
}

function named(context, label, x, y, wide, high) {
  if (high < 18 || !label) return;
  context.font = `${Math.min(high * 0.4, 14)}px system-ui, sans-serif`;
  context.lineWidth = 3;
  context.strokeStyle = "#000";
  context.fillStyle = "#fff";
  context.strokeText(label, x + 4, y + high - 5, wide - 6);
  context.fillText(label, x + 4, y + high - 5, wide - 6);
}

export function unitAt(canvas, event) {
  const { side, units, wide, high } = canvas.layout;
  const box = canvas.getBoundingClientRect();
  const column = Math.floor(((event.clientX - box.left) / box.width) * canvas.width / wide);
  const row = Math.floor(((event.clientY - box.top) / box.height) * canvas.height / high);
  const unit = row * side + Math.min(column, side - 1);
  return unit < units ? unit : null;
}

// A heat map [h, w] over a grey or coloured picture of the same or another size.
export function overlay(canvas, picture, number, heat, signed) {
  show(canvas, picture, { number });
  const [height, width] = heat.shape;
  const layer = new ImageData(width, height);
  for (let place = 0; place < heat.data.length; place++) {
    const value = signed ? (heat.data[place] - 128) / 127 : heat.data[place] / 255;
    layer.data.set(value < 0 ? [40, 110, 255] : [255, 90, 0], 4 * place);
    layer.data[4 * place + 3] = Math.min(1, Math.abs(value)) * 190;
  }
  scratch.width = width;
  scratch.height = height;
  scratch.getContext("2d").putImageData(layer, 0, 0);
  const context = canvas.getContext("2d");
  context.drawImage(scratch, 0, 0, canvas.width, canvas.height);
}
