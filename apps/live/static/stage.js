// The picture before it is sent: its preview, the region of it that is chosen, and the drawing pad.

const $ = (id) => document.getElementById(id);
const SMALLEST = 8; // pixels a side of a region
const PAD = [512, 160];

export class Stage {
  // `drawn` and `chosen` are called after a stroke and after another region.
  constructor({ drawn, chosen }) {
    Object.assign(this, { drawn, chosen, region: null, mode: "" });
    this.preview = $("preview");
    this.context = this.preview.getContext("2d", { willReadFrequently: true });
    this.listen();
  }

  // What a pointer does: "pad" draws, "regions" chooses a region, "" nothing.
  use(mode) {
    this.mode = $("stage").className = mode;
    this.choose(null);
  }

  size(width, height) {
    $("hint").hidden = true;
    if (this.preview.width !== width || this.preview.height !== height) [this.preview.width, this.preview.height] = [width, height];
  }

  blank() {
    this.size(...PAD);
    this.context.fillStyle = "#fff";
    this.context.fillRect(0, 0, ...PAD);
  }

  clear() {
    this.context.clearRect(0, 0, this.preview.width, this.preview.height);
  }

  // RGBA pixels of the region, or of all; null where there are none.
  pixels() {
    const [x, y, width, height] = this.region || [0, 0, this.preview.width, this.preview.height];
    return width < 4 || height < 4 ? null : this.context.getImageData(x, y, width, height);
  }

  choose(region) {
    this.region = region && Math.min(region[2], region[3]) >= SMALLEST ? region : null;
    this.showRegion();
  }

  showRegion() {
    const box = $("region");
    box.hidden = !this.region;
    if (!this.region) return;
    const [x, y, width, height] = this.region;
    const drawn = drawnBox(this.preview), stage = $("stage").getBoundingClientRect();
    const scale = drawn.width / this.preview.width;
    Object.assign(box.style, {
      left: `${drawn.left - stage.left + x * scale}px`, top: `${drawn.top - stage.top + y * scale}px`,
      width: `${width * scale}px`, height: `${height * scale}px`,
    });
  }

  listen() {
    let start = null;
    const at = (event) => {
      const box = drawnBox(this.preview);
      const inside = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
      return [inside(((event.clientX - box.left) / box.width) * this.preview.width, this.preview.width),
        inside(((event.clientY - box.top) / box.height) * this.preview.height, this.preview.height)];
    };
    this.preview.onpointerdown = (event) => {
      if (!this.mode) return;
      this.preview.setPointerCapture(event.pointerId);
      start = at(event);
      if (this.mode === "pad") this.stroke(start, start);
    };
    this.preview.onpointermove = (event) => {
      if (!start) return;
      const [x, y] = at(event);
      if (this.mode === "pad") {
        this.stroke(start, [x, y]);
        start = [x, y];
      } else {
        this.region = [Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(x - start[0]), Math.abs(y - start[1])];
        this.showRegion();
      }
    };
    this.preview.onpointerup = () => {
      if (start && this.mode === "regions") {
        this.choose(this.region);
        this.chosen();
      }
      start = null;
    };
    addEventListener("resize", () => this.showRegion());
    $("all").onclick = () => {
      this.choose(null);
      this.chosen();
    };
    $("clear").onclick = () => {
      this.blank();
      this.drawn();
    };
  }

  stroke([fromX, fromY], [x, y]) {
    const { context } = this;
    context.lineWidth = $("pen").value;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = "#000";
    context.beginPath();
    context.moveTo(fromX, fromY);
    context.lineTo(x + 0.1, y);
    context.stroke();
    this.drawn();
  }
}

// Where a canvas with `object-fit: contain` shows its pixels.
function drawnBox(canvas) {
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const width = canvas.width * scale, height = canvas.height * scale;
  return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
}
