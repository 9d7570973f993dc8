/** What is going on in one output project: asked for when the server tells of a change, and now and then. */
import { eventsAddress, getPlanning, getSession, listDeliveries, listMilestones } from "../api/calls";
import { follow } from "../api/feed";
import { POLL_MS, type Poll, poll } from "../api/poll";
import { Tail } from "../api/tail";
import type { Delivery, Milestone, Planning, Session } from "../api/types";
import { concern, NEWS, RUN_MESSAGE, type RunWords, runWords } from "./news";

/** Newest records of each list that are kept up to date. */
const SHOWN = 100;
/** From one answer to the next question while the server tells of changes, in milliseconds: for what no event tells. */
const CALM_MS = 15_000;
/** The same for `.planning/`, which is read from the disk. */
const PLANNING_MS = 60_000;
/** And where the server tells of nothing. */
const PLANNING_BLIND_MS = 10_000;

export class ProjectLive {
  session = $state.raw<Session | null>(null);
  /** Newest first. */
  milestones = $state.raw<Milestone[]>([]);
  milestoneTotal = $state(0);
  /** Newest first. */
  deliveries = $state.raw<Delivery[]>([]);
  planning = $state.raw<Planning | null>(null);
  /** Why the last question had no answer. */
  error = $state.raw<unknown>(null);
  planningError = $state.raw<unknown>(null);
  loaded = $state(false);
  /** What the agent of a run said last. */
  runWords = $state.raw<RunWords | null>(null);

  readonly #projectId: string;
  readonly #milestoneTail = new Tail<Milestone>(SHOWN);
  readonly #deliveryTail = new Tail<Delivery>(SHOWN);
  /** The server tells of changes. */
  #told = false;
  #state: Poll | undefined;

  constructor(projectId: string) {
    this.#projectId = projectId;
  }

  /** Begins to ask; the result ends it. */
  watch(): () => void {
    const state = poll(
      (signal) => this.#ask(signal),
      () => (this.#told && !this.#restless() ? CALM_MS : POLL_MS),
    );
    const planning = poll(
      (signal) => this.#askPlanning(signal),
      () => (this.#told ? PLANNING_MS : PLANNING_BLIND_MS),
    );
    const feed = follow(eventsAddress(this.#projectId), NEWS, {
      told: (type, data) => {
        if (type === RUN_MESSAGE) this.runWords = runWords(data) ?? this.runWords;
        const news = concern(type);
        if (news.state) state.nudge();
        if (news.planning) planning.nudge();
      },
      flowing: (flows) => {
        this.#told = flows;
        // Also to find out what is wrong, a login that is gone perhaps.
        if (!flows) state.nudge();
      },
    });
    this.#state = state;
    const wake = () => feed.wake();
    addEventListener("online", wake);
    return () => {
      removeEventListener("online", wake);
      feed.stop();
      state.stop();
      planning.stop();
    };
  }

  /** Asks now: something was just changed. */
  refresh(): void {
    this.#state?.refresh();
  }

  /** The server's answer to a change is newer than what is being asked for. */
  take(session: Session): void {
    this.session = session;
    this.refresh();
  }

  /** Something stands or starts that may change without an event. */
  #restless(): boolean {
    const session = this.session;
    return !session || session.status === "starting" || !!session.asks || session.run?.state === "running";
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

  async #askPlanning(signal: AbortSignal): Promise<void> {
    try {
      const planning = await getPlanning(this.#projectId, signal);
      if (signal.aborted) return;
      this.planning = planning;
      this.planningError = null;
    } catch (failure) {
      if (!signal.aborted) this.planningError = failure;
    }
  }
}
