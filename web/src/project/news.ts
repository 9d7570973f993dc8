/** Maps a project's events to the parts of the page that they change. */

/** Parts to request again. */
export interface Concern {
  /** Session, deliveries, milestones. */
  state: boolean;
  planning: boolean;
  runs: boolean;
}

const NOTHING: Concern = { state: false, planning: false, runs: false };
const STATE: Concern = { ...NOTHING, state: true };
const PLANNING: Concern = { ...NOTHING, planning: true };
const RUNS: Concern = { ...STATE, runs: true };
const ALL: Concern = { state: true, planning: true, runs: true };

/** Messages of a run's agent. */
export const RUN_MESSAGE = "run.message";

/** Tools come by the dozen; other events report their effects. */
const CONCERNS: Readonly<Record<string, Concern>> = {
  state: ALL,
  reset: ALL,
  "session.started": STATE,
  "session.exited": STATE,
  "session.rotated": STATE,
  "session.lost": STATE,
  "session.restored": STATE,
  "session.reclaimed": STATE,
  "session.superseded": STATE,
  "session.hibernated": STATE,
  "limit.reached": STATE,
  "limit.cleared": STATE,
  "conversation.turn": NOTHING,
  "prompt.submitted": NOTHING,
  "agent.state": STATE,
  "question.asked": STATE,
  "permission.requested": STATE,
  "delivery.state": STATE,
  "milestone.status": ALL,
  "planning.changed": PLANNING,
  "run.started": RUNS,
  [RUN_MESSAGE]: NOTHING,
  "run.finished": RUNS,
  "client.joined": STATE,
  "client.left": STATE,
};

export const NEWS: readonly string[] = Object.keys(CONCERNS);

export const concern = (type: string): Concern => CONCERNS[type] ?? ALL;

/** A message, and its run. */
export interface RunWords {
  run: string;
  text: string;
}

/** Reads a `run.message`; `null` for anything else. */
export function runWords(data: string): RunWords | null {
  try {
    const { run_id: run, text } = JSON.parse(data) as Record<string, unknown>;
    return typeof run === "string" && typeof text === "string" ? { run, text } : null;
  } catch {
    return null;
  }
}
