/** One project in the overview: its group, its changes by events, its place. */
import type { HubEvent } from "../api/hub";
import type { AgentState, ListedProject } from "../api/types";
import { parsed, waits } from "../attention/waiting";

export const GROUPS = ["waiting", "working", "ready", "ended"] as const;
export type Group = (typeof GROUPS)[number];
export const SORTS = ["attention", "activity", "name", "created"] as const;
export type Sort = (typeof SORTS)[number];

export interface Row extends ListedProject {
  /** The row needs a request: an event said too little. */
  stale?: boolean;
  /** The time of its last change of group: rows of a group keep their places. */
  since: number;
}

export const rowOf = (project: ListedProject): Row => ({
  ...project,
  since: Date.parse(project.last_activity_at) || 0,
});

export function groupOf({ session: { status, agent_state, asks } }: Pick<ListedProject, "session">): Group {
  if (status === "starting") return "working";
  if (status !== "running") return "ended";
  if (waits(agent_state, asks)) return "waiting";
  return agent_state === "working" || agent_state === "starting" ? "working" : "ready";
}

/** The row after an event; the same object if nothing shown changed. */
export function changed(row: Row, { type, data }: HubEvent): Row {
  const facts = parsed(data);
  const next = step(row, type, facts);
  if (next === row) return row;
  const at = typeof facts.at === "string" ? facts.at : row.last_activity_at;
  return {
    ...next,
    last_activity_at: at,
    since: groupOf(next) === groupOf(row) ? row.since : Date.parse(at) || row.since,
  };
}

function step(row: Row, type: string, facts: Record<string, unknown>): Row {
  const { session } = row;
  switch (type) {
    case "session.started":
      return {
        ...row,
        stale: true,
        session: { ...session, status: "running", agent_state: "starting", asks: null },
      };
    case "session.exited":
      return {
        ...row,
        session: { ...session, status: "exited", agent_state: "unknown", asks: null, limit: null },
      };
    case "session.hibernated":
      return { ...row, session: { ...session, status: "hibernated", agent_state: "unknown", asks: null } };
    case "agent.state": {
      const ask = (facts.ask ?? null) as { id?: string; options?: string[] } | null;
      const agent_state = facts.state as AgentState;
      // The event names the question; its texts need a request. The choices may come later.
      const known = ask && ask.id === session.asks?.id ? session.asks : null;
      const asks = known && { ...known, options: ask?.options ?? known.options };
      if (agent_state === session.agent_state && !session.asks && !ask) return row;
      const stale = row.stale || (ask !== null && known === null);
      return { ...row, stale, session: { ...session, status: "running", agent_state, asks } };
    }
    case "limit.reached": {
      const reason = typeof facts.reason === "string" ? facts.reason : "";
      const resets_at = typeof facts.resets_at === "string" ? facts.resets_at : null;
      return { ...row, session: { ...session, limit: { reason, resets_at } } };
    }
    case "limit.cleared":
      return { ...row, session: { ...session, limit: null } };
    case "milestone.status":
    case "planning.changed":
      return { ...row, stale: true };
    case "prompt.submitted":
    case "delivery.state":
      return { ...row };
    default:
      return row;
  }
}

/** Whether a row has each of the words in its name, folder, id or milestone. */
export function matches(row: ListedProject, words: readonly string[]): boolean {
  const text =
    `${row.name}\n${row.workspace_path}\n${row.milestone?.element_name ?? ""}\n${row.id}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export const wordsOf = (query: string): string[] => query.toLowerCase().split(/\s+/).filter(Boolean);

/** The comparison of an order; `attention` keeps groups together. */
export function comparison(sort: Sort): (a: Row, b: Row) => number {
  switch (sort) {
    case "name":
      return (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true, sensitivity: "base" });
    case "created":
      return (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at);
    case "activity":
      return (a, b) => Date.parse(b.last_activity_at) - Date.parse(a.last_activity_at);
    case "attention":
      return (a, b) => GROUPS.indexOf(groupOf(a)) - GROUPS.indexOf(groupOf(b)) || b.since - a.since;
  }
}
