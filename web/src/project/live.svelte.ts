/** The present state of one output project, refreshed on change events and now and then. */
import { getPlanning, getSession, listDeliveries, listMilestones, listRuns } from "../api/calls";
import { ApiError } from "../api/client";
import type { HubEvent } from "../api/hub";
import { POLL_MS, type Poll, poll } from "../api/poll";
import { Tail } from "../api/tail";
import type { Delivery, Milestone, Planning, Run, Session } from "../api/types";
import { attention } from "../attention/attention.svelte";
import { concern, RUN_MESSAGE, type RunWords, runWords } from "./news";

/** Most refreshed records of each list, the newest. */
const SHOWN = 100;
/** The same for runs: their results may be long. */
const RUNS_SHOWN = 10;
/**
 * Pause between requests while change events arrive, in milliseconds; for changes without an event.
 */
const CALM_MS = 15_000;
/** The same for `.planning/`: the server reads the folder from the disk. */
const PLANNING_MS = 60_000;
/** The same without change events. */
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
  /** The error of the last request. */
  error = $state.raw<unknown>(null);
  runsError = $state.raw<unknown>(null);
  planningError = $state.raw<unknown>(null);
  loaded = $state(false);
  /** This page's terminal among the session's clients; 0 without one. */
  client = $state(0);
  /** The server does not answer: nothing can be sent. */
  readonly away = $derived(this.loaded && this.error instanceof ApiError && this.error.status === 0);
  /** The last message of a run's agent. */
  runWords = $state.raw<RunWords | null>(null);

  readonly #projectId: string;
  readonly #milestoneTail = new Tail<Milestone>(SHOWN);
  readonly #deliveryTail = new Tail<Delivery>(SHOWN);
  readonly #runTail = new Tail<Run>(RUNS_SHOWN);
  /** The run in progress at the last listing. */
  #runsWith = "";
  /** The list of runs is out of date. */
  #runsStale = true;
  #state: Poll | undefined;

  constructor(projectId: string) {
    this.#projectId = projectId;
  }

  /** Starts the requests; the returned function ends them. */
  watch(): () => void {
    const state = poll(
      (signal) => this.#ask(signal),
      () => (attention.flows && !this.#restless() ? CALM_MS : POLL_MS),
    );
    const planning = poll(
      (signal) => this.#askPlanning(signal),
      () => (attention.flows ? PLANNING_MS : PLANNING_BLIND_MS),
    );
    const told = ({ type, project, data }: HubEvent) => {
      if (project !== "" && project !== this.#projectId) return;
      if (type === RUN_MESSAGE) this.runWords = runWords(data) ?? this.runWords;
      const news = concern(type);
      if (news.runs) this.#runsStale = true;
      if (news.state) state.nudge();
      if (news.planning) planning.nudge();
    };
    this.#state = state;
    const deaf = attention.listen(told);
    return () => {
      deaf();
      state.stop();
      planning.stop();
    };
  }

  /** Requests now, after a change by the user. */
  refresh(): void {
    this.#state?.refresh();
  }

  /** The run in progress, or else the last run. */
  get run(): Run | null {
    return this.session?.run ?? this.runs[0] ?? null;
  }

  /** Requests now, after the start or stop of a run. */
  refreshRuns(): void {
    this.#runsStale = true;
    this.refresh();
  }

  /** The response to a change is newer than a pending request. */
  take(session: Session): void {
    this.session = session;
    this.refresh();
  }

  /** A state that may change without an event. */
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

  /** Before the session updates: its view drops a finished run, and the list has the outcome. */
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
