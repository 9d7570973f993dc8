/** A project's events as the server tells them, for as long as somebody looks at the page. */

/** From the server's no to the next try, in milliseconds. A broken connection the browser takes up again by itself. */
export const REOPEN_MS = 5_000;

export interface FeedHandlers {
  /** Something happened: the event's type, and its data as JSON. */
  told(type: string, data: string): void;
  /** From now on everything is told, or no longer. */
  flowing(flows: boolean): void;
}

export interface Feed {
  /** The network is back: no need to wait any longer. */
  wake(): void;
  stop(): void;
}

/** The part of an `EventSource` that is used. */
export type Source = Pick<EventSource, "readyState" | "addEventListener" | "close">;

const CLOSED = 2;

/**
 * Listens to events of these types at `address`. A hidden page does not: browsers keep few connections to one server, and
 * the terminals of other tabs need them. When it is shown again it goes on after the last event that it was told.
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
