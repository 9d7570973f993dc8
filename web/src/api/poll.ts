/** Asks again and again while the page is visible. */

/** From one answer to the next question where nobody tells of changes, in milliseconds. */
export const POLL_MS = 2_000;
/** Least time from one nudged question to the next, in milliseconds. */
export const NUDGE_MS = 250;

export interface Poll {
  /** Asks now, and gives up an answer that is still under way. */
  refresh(): void;
  /** Asks soon, behind an answer that is still under way: something changed. Many nudges are one question. */
  nudge(): void;
  stop(): void;
}

type Ask = (signal: AbortSignal) => Promise<void>;

/** Calls `ask` now and `pause` milliseconds after each answer; a hidden page asks nothing until it is shown again. */
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
