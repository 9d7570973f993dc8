/** What is going on in one output project: asked for when the server tells of a change, and now and then. */
import {
  eventsAddress,
  getPlanning,
  getSession,
  listDeliveries,
  listMilestones,
  listRuns,
} from "../api/calls";
import { follow } from "../api/feed";
import { POLL_MS, type Poll, poll } from "../api/poll";
import { Tail } from "../api/tail";
import type { Delivery, Milestone, Planning, Run, Session } from "../api/types";
import { concern, NEWS, RUN_MESSAGE, type RunWords, runWords } from "./news";

/** Newest records of each list that are kept up to date. */
const SHOWN = 100;
/** The same of runs, whose results may be long. */
const RUNS_SHOWN = 10;
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
  /** Newest first. */
  runs = $state.raw<Run[]>([]);
  planning = $state.raw<Planning | null>(null);
  /** Why the last question had no answer. */
  error = $state.raw<unknown>(null);
  runsError = $state.raw<unknown>(null);
  planningError = $state.raw<unknown>(null);
  loaded = $state(false);
  /** What the agent of a run said last. */
  runWords = $state.raw<RunWords | null>(null);

  readonly #projectId: string;
  readonly #milestoneTail = new Tail<Milestone>(SHOWN);
  readonly #deliveryTail = new Tail<Delivery>(SHOWN);
  readonly #runTail = new Tail<Run>(RUNS_SHOWN);
  /** The run that was under way when the runs were listed. */
  #runsWith = "";
  /** The runs are to be listed anew. */
  #runsStale = true;
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
        if (news.runs) this.#runsStale = true;
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

  /** The run under way, or else the last one. */
  get run(): Run | null {
    return this.session?.run ?? this.runs[0] ?? null;
  }

  /** Asks now: a run was started or stopped. */
  refreshRuns(): void {
    this.#runsStale = true;
    this.refresh();
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
      await this.#askRuns(session, signal);
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

  /** Before the session shows: it forgets its run when that is over, and the list says what came of it. */
  async #askRuns(session: Session, signal: AbortSignal): Promise<void> {
    const underWay = session.run?.id ?? "";
    if (!this.#runsStale && underWay === this.#runsWith) return;
    this.#runsStale = false;
    try {
      const { items } = await this.#runTail.read(async (skip, limit) => {
        const { runs, total } = await listRuns(this.#projectId, skip, limit, signal);
        return { items: runs, total };
      });
      this.runs = items;
      this.runsError = null;
      this.#runsWith = underWay;
    } catch (failure) {
      this.#runsStale = true;
      if (!signal.aborted) this.runsError = failure;
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
