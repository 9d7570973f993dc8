/** Repeats a request while the page is visible. */

/** Pause between requests without change events, in milliseconds. */
export const POLL_MS = 2_000;
/** Shortest time between nudged requests, in milliseconds. */
export const NUDGE_MS = 250;

export interface Poll {
  /** Asks now and drops a pending response. */
  refresh(): void;
  /**
   * Asks soon, after a pending response, because something changed. Many nudges make one request.
   */
  nudge(): void;
  stop(): void;
}

type Ask = (signal: AbortSignal) => Promise<void>;

/**
 * Calls `ask` now and `pause` milliseconds after each response; pauses while the page is hidden.
 */
export function poll(ask: Ask, pause: () => number = () => POLL_MS, page: Document = document): Poll {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  let nudged = false;
  let stopped = false;

  const run = async (): Promise<void> => {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
    if (stopped || page.hidden) return;
    const mine = new AbortController();
    asking = mine;
    askedAt = performance.now();
    nudged = false;
    await ask(mine.signal).catch(() => {});
    if (mine.signal.aborted) return;
    asking = null;
    wait();
  };
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(run, nudged ? Math.max(0, askedAt + NUDGE_MS - performance.now()) : pause());
  };
  const onVisibility = (): void => void run();

  page.addEventListener("visibilitychange", onVisibility);
  void run();
  return {
    refresh: () => void run(),
    nudge: () => {
      if (stopped || page.hidden) return;
      nudged = true;
      if (!asking) wait();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      asking?.abort();
      page.removeEventListener("visibilitychange", onVisibility);
    },
  };
}
