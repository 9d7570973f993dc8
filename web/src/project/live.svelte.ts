/** What is going on in one output project, asked for again and again while somebody looks. */
import { getSession, listDeliveries, listMilestones } from "../api/calls";
import { type Poll, poll } from "../api/poll";
import { Tail } from "../api/tail";
import type { Delivery, Milestone, Session } from "../api/types";

/** Newest records of each list that are kept up to date. */
const SHOWN = 100;

export class ProjectLive {
  session = $state.raw<Session | null>(null);
  /** Newest first. */
  milestones = $state.raw<Milestone[]>([]);
  milestoneTotal = $state(0);
  /** Newest first. */
  deliveries = $state.raw<Delivery[]>([]);
  /** Why the last question had no answer. */
  error = $state.raw<unknown>(null);
  loaded = $state(false);

  readonly #projectId: string;
  readonly #milestoneTail = new Tail<Milestone>(SHOWN);
  readonly #deliveryTail = new Tail<Delivery>(SHOWN);
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
    try {
      const [session, milestones, deliveries] = await Promise.all([
        getSession(this.#projectId, signal),
        this.#milestoneTail.read(async (skip, limit) => {
          const { milestones, total } = await listMilestones(this.#projectId, skip, limit, signal);
          return { items: milestones, total };
        }),
        this.#deliveryTail.read(async (skip, limit) => {
          const { deliveries, total } = await listDeliveries(this.#projectId, skip, limit, signal);
          return { items: deliveries, total };
        }),
      ]);
      if (signal.aborted) return;
      this.session = session;
      this.milestones = milestones.items;
      this.milestoneTotal = milestones.total;
      this.deliveries = deliveries.items;
      this.error = null;
      this.loaded = true;
    } catch (failure) {
      if (!signal.aborted) this.error = failure;
    }
  }
}
