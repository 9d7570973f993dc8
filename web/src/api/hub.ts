/**
 * One stream of events for all tabs of a browser: one tab leads and holds the stream, and passes the
 * events on. A browser has few connections to one server, and a hidden tab must hear of an agent
 * that waits.
 */
import { type Feed, type FeedHandlers, follow } from "./feed";

/** The name of the lock that the leading tab holds, and of the channel of all tabs. */
export const NAME = "wxcode.events";
/** A leader silent for this long, in milliseconds, is replaced: its tab may be frozen. */
export const DEAF_MS = 150_000;
/** Pause between two signs of life of the leader, in milliseconds; browsers stretch it in hidden tabs. */
export const BEAT_MS = 15_000;

export interface HubEvent {
  type: string;
  /** The project, empty for an event that concerns all of them. */
  project: string;
  /** The event as JSON. */
  data: string;
}

type Message =
  | { kind: "event"; event: HubEvent; id: string }
  | { kind: "flows"; flows: boolean }
  | { kind: "alive" }
  /** A new tab asks the leader for the present state. */
  | { kind: "hello" };

/** Where the events come from. */
export interface Stream {
  address: string;
  /** The only project that the stream is about. */
  project?: string;
}

/** The surroundings of a hub. */
export interface Around {
  channel: Pick<BroadcastChannel, "postMessage" | "addEventListener" | "close">;
  /**
   * Calls `lead` once this tab leads, until the promise ends. `steal` takes the place of a leader
   * that does not answer. `null` where the browser has no locks: each tab leads itself.
   */
  lock: ((lead: () => Promise<void>, steal: boolean) => Promise<void>) | null;
  follow(stream: Stream, handlers: FeedHandlers, last: string): Feed;
  /** The stream for this caller, after a refusal of the one of all projects. */
  narrow(): Promise<Stream | null>;
}

export interface HubHandlers {
  received(event: HubEvent): void;
  flowing(flows: boolean): void;
  /** This tab leads: it alone shows notifications. */
  leading(leads: boolean): void;
}

export class Hub {
  readonly #around: Around;
  readonly #handlers: HubHandlers;
  #stream: Stream;
  #feed: Feed | null = null;
  #leads = false;
  #flows = false;
  #last = "";
  #deaf: ReturnType<typeof setTimeout> | undefined;
  #beat: ReturnType<typeof setInterval> | undefined;
  /** Ends this tab's lead. */
  #resign: () => void = () => {};

  constructor(all: string, around: Around, handlers: HubHandlers) {
    this.#stream = { address: all };
    this.#around = around;
    this.#handlers = handlers;
    around.channel.addEventListener("message", ({ data }) => this.#take(data as Message));
    around.channel.postMessage({ kind: "hello" } satisfies Message);
    this.#apply(false);
  }

  /** The network is back. */
  wake(): void {
    this.#feed?.wake();
  }

  #apply(steal: boolean): void {
    const { lock } = this.#around;
    if (!lock) {
      this.#lead();
      return;
    }
    this.#listen();
    const lead = () =>
      new Promise<void>((end) => {
        this.#resign = end;
        this.#lead();
      });
    // Another tab took the lead: be ready to follow it in turn.
    lock(lead, steal).catch(() => {
      this.#retire();
      this.#apply(false);
    });
  }

  #lead(): void {
    clearTimeout(this.#deaf);
    this.#leads = true;
    this.#handlers.leading(true);
    clearInterval(this.#beat);
    this.#beat = setInterval(() => this.#post({ kind: "alive" }), BEAT_MS);
    this.#begin();
  }

  #retire(): void {
    this.#leads = false;
    clearInterval(this.#beat);
    this.#feed?.stop();
    this.#feed = null;
    this.#resign();
    this.#handlers.leading(false);
  }

  #begin(): void {
    const stream = this.#stream;
    this.#feed = this.#around.follow(
      stream,
      {
        received: (type, data, id) => {
          const event = { type, project: stream.project ?? projectOf(data), data };
          this.#last = id;
          this.#post({ kind: "event", event, id });
          this.#handlers.received(event);
        },
        flowing: (flows) => {
          this.#post({ kind: "flows", flows });
          this.#flow(flows);
        },
        refused: () => void this.#narrow(),
      },
      this.#last,
    );
  }

  async #narrow(): Promise<void> {
    const stream = await this.#around.narrow().catch(() => null);
    if (!stream || !this.#leads || stream.address === this.#stream.address) return;
    this.#feed?.stop();
    this.#stream = stream;
    this.#last = "";
    this.#begin();
  }

  #take(message: Message): void {
    if (message.kind === "hello") {
      if (this.#leads) this.#post({ kind: "flows", flows: this.#flows });
      return;
    }
    if (this.#leads) return;
    this.#listen();
    if (message.kind === "flows") this.#flow(message.flows);
    if (message.kind === "event") {
      this.#last = message.id;
      this.#flow(true);
      this.#handlers.received(message.event);
    }
  }

  /** Waits for the next sign of life of the leader. */
  #listen(): void {
    clearTimeout(this.#deaf);
    if (this.#leads || !this.#around.lock) return;
    this.#deaf = setTimeout(() => this.#apply(true), DEAF_MS);
  }

  #flow(flows: boolean): void {
    if (flows === this.#flows) return;
    this.#flows = flows;
    this.#handlers.flowing(flows);
  }

  #post(message: Message): void {
    this.#around.channel.postMessage(message);
  }
}

function projectOf(data: string): string {
  try {
    const { project_id } = JSON.parse(data) as Record<string, unknown>;
    return typeof project_id === "string" ? project_id : "";
  } catch {
    return "";
  }
}

/** The surroundings in a browser. */
export function around(types: readonly string[], narrow: Around["narrow"]): Around {
  // Only a secure page has locks.
  const locks = navigator.locks as LockManager | undefined;
  return {
    channel: new BroadcastChannel(NAME),
    lock: locks ? async (lead, steal) => void (await locks.request(NAME, { steal }, lead)) : null,
    follow: ({ address }, handlers, last) => follow(address, types, handlers, last),
    narrow,
  };
}
