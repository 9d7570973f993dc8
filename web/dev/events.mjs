// Events of a project, or of all, for the mock server, as in docs/events.md, all in memory.

export class Events {
  /** The event after which each listener wanted to resume. */
  behind = [];
  #log = [];
  #listeners = new Set();
  #pass;

  /** `pass` gets each event as well. */
  constructor(pass = () => {}) {
    this.#pass = pass;
  }

  tell(type, fields = {}) {
    const seq = this.#log.length + 1;
    const event = { seq, at: new Date().toISOString(), type, ...fields };
    this.#log.push(event);
    for (const listener of this.#listeners) send(listener, event);
    this.#pass(type, fields);
  }

  /** The number of listeners. */
  get listeners() {
    return this.#listeners.size;
  }

  /** Disconnects the listeners, as a lost network does. */
  cut() {
    for (const listener of this.#listeners) listener.destroy();
    this.#listeners.clear();
  }

  /** Sends all events after this number; without a number, the current state. */
  serve(response, last, state) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write("retry: 300\n\n");
    this.behind.push(last);
    const after = Number(last || Number.NaN);
    if (after <= this.#log.length) for (const event of this.#log.slice(after)) send(response, event);
    else {
      if (last) send(response, { type: "reset", seq: this.#log.length });
      send(response, { type: "state", seq: this.#log.length, ...state });
    }
    this.#listeners.add(response);
    response.on("close", () => this.#listeners.delete(response));
  }
}

function send(response, event) {
  response.write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}
