/** The rows of the overview: requested once, then changed by events. */
import { listProjects, PROJECT_LIMIT } from "../api/calls";
import type { HubEvent } from "../api/hub";
import { type Poll, poll } from "../api/poll";
import type { ListedProject } from "../api/types";
import { attention } from "../attention/attention.svelte";
import { changed, type Row, rowOf } from "./row";

/** Most rows that the page holds; a search asks the server when there are more. */
export const ROWS_MAX = 2_000;
/** Pause between two updates of what is shown, in milliseconds. */
const FLUSH_MS = 150;
/** Pause between two requests of stale rows, in milliseconds. */
const STALE_MS = 1_000;
/** Pause before the first request of a row, in milliseconds. */
const NOW_MS = 30;
/** More stale rows than this are requested with the whole list. */
const SINGLE_MAX = 3;
/** Pause between two whole lists while events arrive, in milliseconds. */
const CALM_MS = 60_000;
/** The same without events. */
const BLIND_MS = 5_000;

export class Overview {
  rows = $state.raw<readonly Row[]>([]);
  total = $state(0);
  loaded = $state(false);
  error = $state.raw<unknown>(null);
  readonly away = $derived(this.loaded && this.error !== null);

  #rows = new Map<string, Row>();
  #query = "";
  #flush: ReturnType<typeof setTimeout> | undefined;
  #ask: ReturnType<typeof setTimeout> | undefined;
  #poll: Poll | undefined;

  /** Starts the requests; the returned function ends them. */
  watch(): () => void {
    this.#poll = poll(
      (signal) => this.#load(signal),
      () => (attention.flows && this.error === null ? CALM_MS : BLIND_MS),
    );
    const deaf = attention.listen((event) => this.#take(event));
    return () => {
      deaf();
      this.#poll?.stop();
      clearTimeout(this.#flush);
      clearTimeout(this.#ask);
    };
  }

  refresh(): void {
    this.#poll?.refresh();
  }

  /** Words for the server, which knows more projects than the page holds. */
  search(query: string): void {
    if (query === this.#query || (this.total <= ROWS_MAX && this.#query === "")) return;
    this.#query = query;
    this.refresh();
  }

  async #load(signal: AbortSignal): Promise<void> {
    try {
      const found = new Map<string, Row>();
      let total = 0;
      do {
        const list = await listProjects({ skip: found.size, q: this.#query }, signal);
        for (const project of list.projects) found.set(project.id, this.#joined(project));
        total = list.total;
        if (list.projects.length < PROJECT_LIMIT) break;
      } while (found.size < Math.min(total, ROWS_MAX));
      if (signal.aborted) return;
      this.#rows = found;
      if (this.#query === "") {
        this.total = total;
        attention.restart(found.values());
      }
      attention.know(found.values());
      this.error = null;
      this.loaded = true;
      this.#show();
    } catch (failure) {
      if (!signal.aborted) this.error = failure;
    }
  }

  /** The server's row with the place of the page's. */
  #joined(project: ListedProject): Row {
    const row = rowOf(project);
    const before = this.#rows.get(project.id);
    return before && before.session.agent_state === project.session.agent_state
      ? { ...row, since: before.since }
      : row;
  }

  #take(event: HubEvent): void {
    if (event.type === "reset" || (event.type === "state" && event.project === "")) {
      this.#poll?.nudge();
      return;
    }
    const row = this.#rows.get(event.project);
    if (!row) {
      if (event.project !== "" && this.#query === "") this.#poll?.nudge();
      return;
    }
    const next = changed(row, event);
    if (next === row) return;
    this.#rows.set(next.id, next);
    this.#flush ??= setTimeout(() => this.#show(), FLUSH_MS);
    if (next.stale) this.#ask ??= setTimeout(() => void this.#askStale(), row.stale ? STALE_MS : NOW_MS);
  }

  async #askStale(): Promise<void> {
    this.#ask = undefined;
    const stale = [...this.#rows.values()].filter((row) => row.stale);
    if (document.hidden || stale.length > SINGLE_MAX) {
      for (const row of stale) this.#rows.set(row.id, { ...row, stale: false });
      this.#poll?.nudge();
      return;
    }
    for (const { id } of stale) {
      try {
        const { projects } = await listProjects({ q: id, limit: 1 });
        const [project] = projects;
        if (project?.id === id) this.#rows.set(id, this.#joined(project));
      } catch (failure) {
        this.error = failure;
      }
    }
    this.#show();
  }

  #show(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    this.rows = [...this.#rows.values()];
  }
}
