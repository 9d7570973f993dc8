/** The projects whose agents wait for a person, kept by the stream of all projects' events. */
import type { HubEvent } from "../api/hub";
import type { AgentState, ListedProject } from "../api/types";

export interface Waiting {
  id: string;
  /** Empty until it is known. */
  name: string;
  state: AgentState;
  /** The kind of the question, if it is known. */
  kind: string | null;
}

const ASKING: ReadonlySet<string> = new Set(["waiting_permission", "waiting_question", "blocked_dialog"]);

export const waits = (state: string, asks: unknown): boolean =>
  (asks !== null && asks !== undefined) || ASKING.has(state);

/** The order is that of the beginnings. */
export type WaitingMap = ReadonlyMap<string, Waiting>;

/** The map after an event; the same object if nothing changed. `names` fills in known names. */
export function after(
  before: WaitingMap,
  { type, project, data }: HubEvent,
  names: ReadonlyMap<string, string>,
): WaitingMap {
  const facts = parsed(data);
  if (type === "state") return project === "" ? ofList(before, facts) : ofOne(before, project, facts, names);
  if (type === "agent.state") return set(before, project, String(facts.state), facts.ask, names);
  if (type === "session.exited" || type === "session.hibernated") return without(before, project);
  return before;
}

function ofList(before: WaitingMap, facts: Record<string, unknown>): WaitingMap {
  const projects = (facts.projects ?? []) as ListedProject[];
  const now = new Map<string, Waiting>();
  const add = ({ id, name, session }: ListedProject) => {
    if (session.status !== "running" || !waits(session.agent_state, session.asks)) return;
    now.set(id, { id, name, state: session.agent_state, kind: session.asks?.kind ?? null });
  };
  // Those that waited already stay first.
  for (const project of projects) if (before.has(project.id)) add(project);
  for (const project of projects) if (!before.has(project.id)) add(project);
  return now;
}

function ofOne(
  before: WaitingMap,
  project: string,
  facts: Record<string, unknown>,
  names: ReadonlyMap<string, string>,
): WaitingMap {
  const session = (facts.session ?? {}) as Record<string, unknown>;
  if (session.status !== "running") return without(before, project);
  return set(before, project, String(session.agent_state), session.asks, names);
}

function set(
  before: WaitingMap,
  project: string,
  state: string,
  asks: unknown,
  names: ReadonlyMap<string, string>,
): WaitingMap {
  if (!waits(state, asks)) return without(before, project);
  const old = before.get(project);
  const asked = (asks ?? {}) as Record<string, unknown>;
  const kind = typeof asked.kind === "string" ? asked.kind : null;
  if (old?.state === state && old.kind === kind) return before;
  const name = names.get(project) ?? old?.name ?? "";
  return new Map(before).set(project, { id: project, name, state: state as AgentState, kind });
}

function without(before: WaitingMap, project: string): WaitingMap {
  if (!before.has(project)) return before;
  const now = new Map(before);
  now.delete(project);
  return now;
}

/** The names in a `state` of all projects. */
export function namesIn({ type, project, data }: HubEvent): [string, string][] {
  if (type !== "state" || project !== "") return [];
  const { projects } = parsed(data);
  return ((projects ?? []) as ListedProject[]).map(({ id, name }) => [id, name]);
}

export function parsed(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
