/** Asks again and again while the page is visible. */

/** From one answer to the next question, in milliseconds. */
export const POLL_MS = 2_000;

export interface Poll {
  /** Asks now, and gives up an answer that is still under way. */
  refresh(): void;
  stop(): void;
}

/** Calls `ask` now and after each answer; a hidden page asks nothing until it is shown again. */
export function poll(ask: (signal: AbortSignal) => Promise<void>, page: Document = document): Poll {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = new AbortController();
  let stopped = false;

  const run = async (): Promise<void> => {
    clearTimeout(timer);
    asking.abort();
    if (stopped || page.hidden) return;
    const mine = new AbortController();
    asking = mine;
    await ask(mine.signal).catch(() => {});
    if (!mine.signal.aborted) timer = setTimeout(run, POLL_MS);
  };
  const onVisibility = (): void => void run();

  page.addEventListener("visibilitychange", onVisibility);
  void run();
  return {
    refresh: () => void run(),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      asking.abort();
      page.removeEventListener("visibilitychange", onVisibility);
    },
  };
}
