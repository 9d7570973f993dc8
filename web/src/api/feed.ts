/** Follows a stream of events, and connects again when it breaks. */

/**
 * Pause after a refusal, in milliseconds. The browser itself reconnects after a broken connection.
 */
export const REOPEN_MS = 5_000;
/** Longest silence of a live server, in milliseconds: keep-alives come every 15 s. */
export const SILENCE_MS = 50_000;
/** Pause between two looks at the clock, in milliseconds. */
export const LOOK_MS = 5_000;
/** Largest delay of a look, in milliseconds; a longer delay means that the machine slept. */
export const LATE_MS = 10_000;
/** The type of a keep-alive; browsers hide comments from their pages. */
const ALIVE = "alive";

export interface FeedHandlers {
  /** An event: its type, its data as JSON, and its place in the stream. */
  received(type: string, data: string, id: string): void;
  /** Whether events arrive from now on. */
  flowing(flows: boolean): void;
  /** The server refused the stream; unless stopped, the feed tries again after `REOPEN_MS`. */
  refused(): void;
}

export interface Feed {
  /** The network is back: reconnects now, because an open connection may be dead unnoticed. */
  wake(): void;
  stop(): void;
}

/** The used part of an `EventSource`. */
export type Source = Pick<EventSource, "readyState" | "addEventListener" | "close">;

const CLOSED = 2;

/**
 * Follows events of these types at `address` after the event `last`. A hidden page follows too, to
 * notify the user of a waiting agent. A page that becomes visible reconnects after its last event,
 * because the old connection may have died unnoticed.
 */
export function follow(
  address: string,
  types: readonly string[],
  handlers: FeedHandlers,
  last = "",
  page: Document = document,
  open: (address: string) => Source = (at) => new EventSource(at),
): Feed {
  let source: Source | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let flows = false;
  let stopped = false;
  let heardAt = Date.now();
  let lookedAt = Date.now();

  const flowing = (now: boolean): void => {
    if (now === flows) return;
    flows = now;
    handlers.flowing(now);
  };

  const close = (): void => {
    clearTimeout(timer);
    source?.close();
    source = null;
    flowing(false);
  };

  const begin = (): void => {
    close();
    if (stopped) return;
    const query = new URLSearchParams({ keep_alive: "event" });
    if (last !== "") query.set("last_event_id", last);
    const mine = open(`${address}?${query}`);
    source = mine;
    heardAt = Date.now();
    const heard = (): void => {
      heardAt = Date.now();
    };
    mine.addEventListener(ALIVE, heard);
    mine.addEventListener("open", () => {
      heard();
      if (source === mine) flowing(true);
    });
    mine.addEventListener("error", () => {
      if (source !== mine) return;
      flowing(false);
      if (mine.readyState !== CLOSED) return;
      timer = setTimeout(begin, REOPEN_MS);
      handlers.refused();
    });
    for (const type of types) {
      mine.addEventListener(type, (event) => {
        heard();
        if (source !== mine) return;
        const { lastEventId, data } = event as MessageEvent<string>;
        last = lastEventId || last;
        handlers.received(type, data, last);
      });
    }
  };

  const look = (): void => {
    const now = Date.now();
    const slept = now > lookedAt + LOOK_MS + LATE_MS;
    lookedAt = now;
    if (source && (slept || now > heardAt + SILENCE_MS)) begin();
  };

  const seen = (): void => {
    if (!page.hidden) begin();
  };
  page.addEventListener("visibilitychange", seen);
  const looks = setInterval(look, LOOK_MS);
  begin();
  return {
    wake: begin,
    stop: () => {
      stopped = true;
      clearInterval(looks);
      close();
      page.removeEventListener("visibilitychange", seen);
    },
  };
}
