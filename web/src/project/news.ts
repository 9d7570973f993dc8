/** Which events of a project change what the page shows. */

/** What there is to be asked anew. */
export interface Concern {
  /** Session, deliveries, milestones. */
  state: boolean;
  planning: boolean;
}

const STATE: Concern = { state: true, planning: false };
const PLANNING: Concern = { state: false, planning: true };
const ALL: Concern = { state: true, planning: true };

/** Tools come and go by the dozen; what they change is told by other events. */
const CONCERNS: Readonly<Record<string, Concern>> = {
  state: ALL,
  reset: ALL,
  "session.started": STATE,
  "session.exited": STATE,
  "session.rotated": STATE,
  "session.lost": STATE,
  "agent.state": STATE,
  "question.asked": STATE,
  "permission.requested": STATE,
  "delivery.state": STATE,
  "milestone.status": ALL,
  "planning.changed": PLANNING,
  "client.joined": STATE,
  "client.left": STATE,
};

export const NEWS: readonly string[] = Object.keys(CONCERNS);

export const concern = (type: string): Concern => CONCERNS[type] ?? ALL;
