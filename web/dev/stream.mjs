// A session's output and its clients for the mock server: offsets, credit, sizes and roles as in
// docs/protocol.md.
import { decode, frame } from "./wire.mjs";

const RING = 1 << 20;
const CREDIT = 256 << 10;
const OUTPUT_MAX = 32 << 10;

export class Stream {
  /** The offset at the end of the agent's output. */
  end = 0;
  clients = new Set();
  /** Accepts inputs without an answer, as before a lost connection. */
  mute = false;
  /** Loses inputs on the way. */
  deaf = false;
  /** The reason to refuse every input. */
  refusal = null;
  #ring = Buffer.alloc(0);
  #sizedAt = 0;
  #driver = null;
  #names = new Map();

  constructor(agent) {
    this.agent = agent;
  }

  write(text) {
    const bytes = Buffer.from(text);
    this.end += bytes.length;
    this.#ring = Buffer.concat([this.#ring, bytes]).subarray(-RING);
    for (const client of this.clients) this.#pump(client);
  }

  resize(size) {
    const { agent } = this;
    if (size.cols === agent.cols && size.rows === agent.rows) return;
    for (const client of this.clients) {
      // A client with missing output gets the newest screen instead.
      if (client.cursor === this.end) client.send(frame.resized(this.end, size));
      else client.cursor = -1;
    }
    this.#sizedAt = this.end;
    agent.resize(size.cols, size.rows);
  }

  /** The last screen of an ended session. */
  last() {
    const { cols, rows } = this.agent;
    return frame.snapshot(this.end, { cols, rows }, Buffer.from(this.agent.screen(0)));
  }

  /** The number of the newest input of a client of this name. */
  newest(name) {
    return this.#names.get(name) ?? 0;
  }

  /** Adds a client; `since` if it returns to this session. */
  join(socket, { name, since, readOnly }) {
    const held = since !== null && since >= this.end - this.#ring.length && since <= this.end;
    const client = {
      name,
      readOnly,
      window: null,
      cursor: held && since >= this.#sizedAt ? since : -1,
      acked: since ?? 0,
      /** The offset after the last sent byte. */
      sent: null,
      send: (message) => socket.send(message),
      close: () => socket.close(1000, "the agent ended"),
    };
    this.clients.add(client);
    client.send(frame.role(false));
    this.#pump(client);
    socket.on("close", () => {
      this.clients.delete(client);
      if (this.#driver === client) this.#driver = null;
    });
    socket.on("message", (message) => this.#hear(client, decode(message)));
  }

  /** The agent has ended. */
  finish(exit) {
    for (const client of this.clients) {
      client.send(frame.exited(exit));
      client.close();
    }
    this.clients.clear();
  }

  #hear(client, message) {
    if (!message) return;
    if (message.type === "ack") {
      client.acked = message.offset;
      return this.#pump(client);
    }
    if (message.type === "ping") return client.send(frame.pong());
    if (message.type === "redraw") return this.#snapshot(client, message.history);
    if (client.readOnly) return client.send(frame.error("READ_ONLY", "This window only looks."));
    if (message.type === "input") this.#input(client, message);
    if (message.type === "drive") this.#drive(client);
    if (message.type === "resize") {
      client.window = message.size;
      if (this.#driver === null) this.#drive(client);
      else if (this.#driver === client) this.resize(message.size);
    }
  }

  #input(client, { number, bytes }) {
    const text = String(bytes);
    if (this.deaf || number <= this.newest(client.name)) return;
    if (this.refusal) return client.send(frame.inputRefused(number, this.refusal));
    this.#names.set(client.name, number);
    const typed = text.replaceAll(/\x1b\[[IO]|\x1b\[<[0-9;]*[Mm]/g, "") !== "";
    if (typed && this.#driver !== client) this.#drive(client);
    this.agent.input(text);
    if (!this.mute) client.send(frame.inputTaken(number));
  }

  #drive(client) {
    const before = this.#driver;
    this.#driver = client;
    if (before !== client) {
      before?.send(frame.role(false));
      client.send(frame.role(true));
    }
    if (client.window) this.resize(client.window);
  }

  #snapshot(client, history) {
    client.cursor = this.end;
    client.sent = this.end;
    const { cols, rows } = this.agent;
    const bytes = Buffer.from(this.agent.screen(history));
    client.send(frame.snapshot(this.end, { cols, rows }, bytes));
  }

  #pump(client) {
    if (client.cursor >= 0 && client.cursor < this.end - this.#ring.length) client.cursor = -1;
    if (client.cursor < 0) {
      // A slow client first takes its pending output.
      if (client.sent === null || client.acked === client.sent) this.#snapshot(client, 0);
      return;
    }
    while (client.cursor < this.end && client.cursor - client.acked < CREDIT) {
      const at = this.#ring.length - (this.end - client.cursor);
      const bytes = this.#ring.subarray(at, at + OUTPUT_MAX);
      client.send(frame.output(client.cursor, bytes));
      client.cursor += bytes.length;
      client.sent = client.cursor;
    }
  }
}
