/** Follows a project's events while the page is visible. */

/**
 * Pause after a refusal, in milliseconds. The browser itself reconnects after a broken connection.
 */
export const REOPEN_MS = 5_000;

export interface FeedHandlers {
  /** An event: its type, and its data as JSON. */
  told(type: string, data: string): void;
  /** Whether events arrive from now on. */
  flowing(flows: boolean): void;
}

export interface Feed {
  /** The network is back: reconnect at once. */
  wake(): void;
  stop(): void;
}

/** The used part of an `EventSource`. */
export type Source = Pick<EventSource, "readyState" | "addEventListener" | "close">;

const CLOSED = 2;

/**
 * Follows events of these types at `address` while the page is visible: browsers allow few
 * connections to one server, and the terminals of other tabs need them. A page that becomes visible
 * again continues after its last event.
 */
export function follow(
  address: string,
  types: readonly string[],
  handlers: FeedHandlers,
  page: Document = document,
  open: (address: string) => Source = (at) => new EventSource(at),
): Feed {
  let source: Source | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = "";
  let flows = false;
  let stopped = false;

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
    if (stopped || page.hidden) return;
    const mine = open(last === "" ? address : `${address}?last_event_id=${encodeURIComponent(last)}`);
    source = mine;
    mine.addEventListener("open", () => {
      if (source === mine) flowing(true);
    });
    mine.addEventListener("error", () => {
      if (source !== mine) return;
      flowing(false);
      if (mine.readyState === CLOSED) timer = setTimeout(begin, REOPEN_MS);
    });
    for (const type of types) {
      mine.addEventListener(type, (event) => {
        if (source !== mine) return;
        const { lastEventId, data } = event as MessageEvent<string>;
        last = lastEventId || last;
        handlers.told(type, data);
      });
    }
  };

  page.addEventListener("visibilitychange", begin);
  begin();
  return {
    wake: () => {
      if (!flows) begin();
    },
    stop: () => {
      stopped = true;
      close();
      page.removeEventListener("visibilitychange", begin);
    },
  };
}
