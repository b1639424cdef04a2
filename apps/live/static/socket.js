// The socket to the server: JSON both ways, pictures as bytes.

const HEADER = 9; // kind, number, width, height: <BIHH
export const FILE = 0, STILL = 1, FRAME = 2;
const AGAIN_MS = 2000;
const TOO_LARGE = 1009;

export class Socket {
  constructor(handlers) {
    this.handlers = handlers;
    this.open();
  }

  open() {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => {
      if (typeof event.data === "string") this.take(JSON.parse(event.data), {});
      else this.take(...unpacked(event.data));
    };
    this.socket.onclose = (event) => {
      const why = event.code === TOO_LARGE ? "The server refused it: it is too large."
        : event.reason ? `The server closed the connection: ${event.reason}.` : "The server does not answer; trying again…";
      this.handlers.closed(why);
      setTimeout(() => this.open(), AGAIN_MS);
    };
  }

  take(header, arrays) {
    const handler = this.handlers[header.kind];
    if (handler) handler(header, arrays);
  }

  get ready() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  tell(message) {
    if (this.ready) this.socket.send(JSON.stringify(message));
  }

  // `bytes`: a file, or RGBA pixels of width x height.
  picture(kind, number, bytes, width = 0, height = 0) {
    if (!this.ready) return false;
    const message = new Uint8Array(HEADER + bytes.length);
    const view = new DataView(message.buffer);
    view.setUint8(0, kind);
    view.setUint32(1, number, true);
    view.setUint16(5, width, true);
    view.setUint16(7, height, true);
    message.set(bytes, HEADER);
    this.socket.send(message);
    return true;
  }
}

function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  let start = 4 + length;
  for (const [name, shape] of header.arrays) {
    const size = shape.reduce((product, side) => product * side, 1);
    arrays[name] = { shape, data: new Uint8Array(buffer, start, size) };
    start += size;
  }
  return [header, arrays];
}
