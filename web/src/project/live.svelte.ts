/** What is going on in one output project, asked for again and again while somebody looks. */
import { getSession, listDeliveries, listMilestones } from "../api/calls";
import { type Poll, poll } from "../api/poll";
import type { Delivery, Milestone, Session } from "../api/types";

export class ProjectLive {
  session = $state.raw<Session | null>(null);
  /** When the question that `session` answers was asked, by `performance.now()`. */
  askedAt = 0;
  /** Newest first. */
  milestones = $state.raw<Milestone[]>([]);
  milestoneTotal = $state(0);
  /** Newest first. */
  deliveries = $state.raw<Delivery[]>([]);
  /** Why the last question had no answer. */
  error = $state.raw<unknown>(null);
  loaded = $state(false);

  readonly #projectId: string;
  #poll: Poll | undefined;

  constructor(projectId: string) {
    this.#projectId = projectId;
  }

  /** Begins to ask; the result ends it. */
  watch(): () => void {
    const polling = poll((signal) => this.#ask(signal));
    this.#poll = polling;
    return () => polling.stop();
  }

  /** Asks now: something was just changed. */
  refresh(): void {
    this.#poll?.refresh();
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const askedAt = performance.now();
    try {
      const [session, milestones, deliveries] = await Promise.all([
        getSession(this.#projectId, signal),
        listMilestones(this.#projectId, signal),
        listDeliveries(this.#projectId, signal),
      ]);
      if (signal.aborted) return;
      this.askedAt = askedAt;
      this.session = session;
      this.milestones = milestones.milestones.toSorted(newestFirst);
      this.milestoneTotal = milestones.total;
      this.deliveries = deliveries.deliveries.toSorted(newestFirst);
      this.error = null;
      this.loaded = true;
    } catch (failure) {
      if (!signal.aborted) this.error = failure;
    }
  }
}

/** Ids begin with the time of their making; records may also say it themselves, more exactly. */
function newestFirst(a: Delivery | Milestone, b: Delivery | Milestone): number {
  const [x, y] = [a.created_at ?? "", b.created_at ?? ""];
  if (x !== y) return x < y ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
