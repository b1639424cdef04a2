// Where the present picture comes from: files, a drawing pad, webcam, video, screen. Typed text is in `typed.js`.

import { FILE, FRAME, STILL } from "./socket.js";
import { Stage } from "./stage.js";

const MOST_SIDE = 480; // pixels of a frame that is sent
const MOST_BYTES = 11 * 2 ** 20; // of a file
const IN_FLIGHT = 2; // frames on their way: the next one leaves when one is answered
const PATIENCE_MS = 3000; // after which an answer is taken for lost
const LOST = {
  NotAllowedError: "The browser was not allowed to use it: allow it beside the page's address.",
  NotFoundError: "There is no webcam.",
  NotReadableError: "The webcam is in use by another program.",
  AbortError: "The webcam did not start.",
};

const $ = (id) => document.getElementById(id);

export class Sources {
  constructor(socket, say) {
    Object.assign(this, { socket, say, number: 0, kind: null, frozen: false, grey: false, pending: false, pictures: [], at: 0 });
    this.waiting = new Map(); // frames without an answer, with when they were sent
    this.latencies = [];
    this.stage = new Stage({ drawn: () => this.resend(), chosen: () => this.resend() });
    this.video = $("video");
    this.listen();
  }

  // A number of its own for each picture that is sent.
  next() {
    this.number += 1;
    this.waiting.set(this.number, performance.now());
    return this.number;
  }

  answered(number) {
    const sent = this.waiting.get(number);
    if (sent !== undefined) this.latencies = [...this.latencies.slice(-29), performance.now() - sent];
    for (const old of [...this.waiting.keys()]) if (old <= number) this.waiting.delete(old);
    if (this.moving) this.grab();
    else if (this.pending) this.resend();
  }

  get moving() {
    return ["webcam", "video", "screen"].includes(this.kind);
  }

  get busy() {
    const now = performance.now();
    for (const [number, sent] of this.waiting) if (now - sent > PATIENCE_MS) this.waiting.delete(number);
    return this.waiting.size >= IN_FLIGHT;
  }

  choose(kind) {
    if (this.kind === kind && kind !== "video") return;
    this.stop();
    this.kind = kind;
    for (const tab of document.querySelectorAll("[data-source]")) tab.setAttribute("aria-selected", tab.dataset.source === kind);
    const regions = this.moving || kind === "picture";
    for (const part of document.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== kind && !(part.dataset.for === "region" && regions);
    this.stage.use(kind === "pad" ? "pad" : regions ? "regions" : "");
    if (kind === "webcam") this.start(() => navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } }));
    if (kind === "screen") this.start(() => navigator.mediaDevices.getDisplayMedia({ video: true }));
    if (kind === "pad") {
      this.stage.blank();
      this.send(STILL);
    }
    if (kind === "picture" && this.pictures.length) this.picture(this.at);
  }

  async start(ask) {
    const kind = this.kind;
    if (!navigator.mediaDevices) return this.say("The browser gives no webcam and no screen to this page: open it at 127.0.0.1.");
    try {
      const stream = await ask();
      if (this.kind !== kind) return stream.getTracks().forEach((track) => track.stop());
      stream.getVideoTracks()[0].addEventListener("ended", () => this.say("The video has ended: its source was taken away."));
      this.video.srcObject = stream;
      await this.video.play();
      this.loop();
    } catch (error) {
      this.say(LOST[error.name] || `There is no picture: ${error.message}`);
    }
  }

  stop() {
    clearTimeout(this.timer);
    for (const track of this.video.srcObject?.getTracks() || []) track.stop();
    this.video.srcObject = null;
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = null;
    this.video.removeAttribute("src");
    this.pending = false;
    $("hint").hidden = false;
  }

  playFile(file) {
    this.choose("video");
    this.stop();
    this.video.srcObject = null;
    this.address = URL.createObjectURL(file);
    this.video.src = this.address;
    this.video.onerror = () => this.address && this.say(`${file.name}: the video is damaged, or of a kind that the browser does not play.`);
    this.video.onloadeddata = () => {
      if (!this.video.videoWidth) return this.say(`${file.name} has no pictures.`);
      this.video.play().then(() => this.loop(), (error) => this.say(`${file.name}: ${error.message}`));
    };
  }

  loop() {
    clearTimeout(this.timer);
    if (!this.moving) return;
    this.grab();
    this.timer = setTimeout(() => this.loop(), 250); // answers ask for the next frame; this one begins, and goes on after a loss
  }

  grab(force = false) {
    const { video } = this;
    if (!video.videoWidth || video.readyState < 2) return;
    if (this.frozen || (video.paused && !force)) return;
    const [width, height] = fitted(video.videoWidth, video.videoHeight, MOST_SIDE);
    this.stage.size(width, height);
    this.stage.context.drawImage(video, 0, 0, width, height);
    if (video.duration && !video.paused) $("at").value = video.currentTime / video.duration;
    if (!this.busy) this.send(FRAME);
  }

  // The chosen region of what the preview shows, or all of it; a frame in grey where no network sees colours.
  send(kind) {
    const pixels = this.stage.pixels();
    if (!pixels) return;
    const data = kind === FRAME && this.grey ? greyOf(pixels.data) : pixels.data;
    if (!this.socket.picture(kind, this.next(), data, pixels.width, pixels.height)) this.waiting.clear();
  }

  resend() {
    this.pending = false;
    if (this.kind === "pad") return this.busy ? (this.pending = true) : this.send(STILL);
    if (this.kind === "picture") return this.sendPicture();
    if (this.moving && !this.frozen && !this.video.paused) return this.grab();
    if (this.moving) this.send(STILL); // a frame that stands still is read as a picture is
  }

  async add(files) {
    const found = [...files];
    const video = found.find((file) => file.type.startsWith("video/"));
    const pictures = found.filter((file) => !file.type.startsWith("video/"));
    if (!pictures.length) return video ? this.playFile(video) : this.say("There are no pictures in it.");
    this.pictures = pictures;
    this.at = 0;
    this.thumbs();
    if (this.kind === "picture") await this.picture(0);
    else this.choose("picture");
  }

  thumbs() {
    $("thumbs").replaceChildren(...(this.pictures.length > 1 ? this.pictures : []).map((file, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = file.name;
      button.onclick = () => this.picture(place);
      return button;
    }));
  }

  async picture(place) {
    this.at = (place + this.pictures.length) % this.pictures.length;
    const file = this.pictures[this.at];
    [...$("thumbs").children].forEach((button, number) => button.setAttribute("aria-selected", number === this.at));
    this.stage.choose(null);
    try {
      const bitmap = await createImageBitmap(file);
      const size = fitted(bitmap.width, bitmap.height, 2 * MOST_SIDE);
      this.stage.size(...size);
      this.stage.context.drawImage(bitmap, 0, 0, ...size);
      bitmap.close();
    } catch {
      this.stage.clear(); // the server may know its kind
    }
    await this.sendPicture();
  }

  async sendPicture() {
    if (this.stage.region) return this.send(STILL);
    const file = this.pictures[this.at];
    if (!file) return;
    if (file.size > MOST_BYTES) return this.say(`${file.name} is larger than ${MOST_BYTES / 2 ** 20} MiB: cut the word out of it.`);
    this.socket.picture(FILE, this.next(), new Uint8Array(await file.arrayBuffer()));
  }

  listen() {
    $("files").onchange = (event) => this.add(event.target.files);
    $("video-file").onchange = (event) => event.target.files[0] && this.playFile(event.target.files[0]);
    $("pause").onclick = () => (this.video.paused ? this.video.play() : this.video.pause());
    this.video.onplay = () => ($("pause").textContent = "Pause");
    this.video.onpause = () => {
      $("pause").textContent = "Play";
      if (this.kind === "video") this.resend();
    };
    this.video.onseeked = () => this.kind === "video" && this.video.paused && this.grab(true);
    $("at").oninput = (event) => (this.video.currentTime = event.target.value * (this.video.duration || 0));
  }
}

// Brightness of RGBA pixels (ITU-R BT.601): a quarter of the bytes.
function greyOf(pixels) {
  const grey = new Uint8Array(pixels.length / 4);
  for (let place = 0; place < grey.length; place++)
    grey[place] = 0.299 * pixels[4 * place] + 0.587 * pixels[4 * place + 1] + 0.114 * pixels[4 * place + 2] + 0.5;
  return grey;
}

function fitted(width, height, most) {
  const scale = Math.min(1, most / Math.max(width, height));
  return [Math.max(4, Math.round(width * scale)), Math.max(4, Math.round(height * scale))];
}

// Files that were dropped, those of folders too.
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return files.length ? files : [...transfer.files];
}

const MOST_FILES = 2000;

async function walk(entry, files) {
  if (files.length >= MOST_FILES) return;
  if (entry.isFile) return void files.push(await new Promise((found, failed) => entry.file(found, failed)));
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((found, failed) => reader.readEntries(found, failed));
    if (!some.length) return;
    for (const inner of some.sort((a, b) => a.name.localeCompare(b.name))) if (!inner.name.startsWith(".")) await walk(inner, files);
  }
}
