import { expect, it } from "vitest";
import type { ListedProject } from "../api/types";
import { changed, comparison, groupOf, matches, type Row, rowOf, wordsOf } from "./row";

const project = (id: string, over: Partial<ListedProject["session"]> = {}): Row =>
  rowOf({
    id,
    name: `Shop ${id}`,
    workspace_path: `/srv/${id}`,
    status: "active",
    created_at: "2026-05-01T00:00:00Z",
    updated_at: "2026-05-01T00:00:00Z",
    last_activity_at: "2026-05-02T00:00:00Z",
    milestone: { id: "m", element_name: "Login", status: "in_progress" },
    progress: null,
    settings: {} as ListedProject["settings"],
    session: {
      status: "running",
      agent_state: "idle",
      asks: null,
      limit: null,
      node: null,
      ...over,
    } as ListedProject["session"],
  } as ListedProject);
const event = (type: string, facts: object) => ({ type, project: "a", data: JSON.stringify(facts) });

it("groups by the need of a person", () => {
  expect(groupOf(project("a"))).toBe("ready");
  expect(groupOf(project("a", { agent_state: "working" }))).toBe("working");
  expect(groupOf(project("a", { status: "starting" }))).toBe("working");
  expect(groupOf(project("a", { agent_state: "blocked_dialog" }))).toBe("waiting");
  expect(groupOf(project("a", { status: "exited", agent_state: "working" }))).toBe("ended");
});

it("follows the agent by events", () => {
  const at = "2026-05-03T00:00:00Z";
  const working = changed(project("a"), event("agent.state", { at, state: "working", ask: null }));
  expect([groupOf(working), working.last_activity_at, working.stale]).toEqual(["working", at, false]);
  const asking = changed(
    working,
    event("agent.state", { at, state: "waiting_permission", ask: { id: "q" } }),
  );
  expect([groupOf(asking), asking.stale]).toEqual(["waiting", true]);
  const over = changed(asking, event("session.exited", { at }));
  expect([groupOf(over), over.session.asks]).toEqual(["ended", null]);
});

it("takes the choices of a known question from later events", () => {
  const asks = { id: "q", options: [] as string[] } as unknown as Row["session"]["asks"];
  const row = project("a", { agent_state: "waiting_permission", asks });
  const ask = { id: "q", options: ["Yes", "No"] };
  const next = changed(row, event("agent.state", { state: "waiting_permission", ask }));
  expect([next.session.asks?.options, next.stale]).toEqual([["Yes", "No"], false]);
});

it("keeps a row that an event does not concern", () => {
  const row = project("a");
  expect(changed(row, event("tool.started", { at: "2026-06-01T00:00:00Z" }))).toBe(row);
  expect(changed(row, event("agent.state", { state: "idle", ask: null }))).toBe(row);
});

it("shows and clears a limit", () => {
  const reached = changed(project("a"), event("limit.reached", { reason: "5 h", resets_at: null }));
  expect(reached.session.limit).toEqual({ reason: "5 h", resets_at: null });
  expect(changed(reached, event("limit.cleared", {})).session.limit).toBeNull();
});

it("keeps the places of a group while its rows are active", () => {
  const first = { ...project("a", { agent_state: "working" }), since: 2 };
  const second = { ...project("b", { agent_state: "working" }), since: 1 };
  const active = changed(second, event("prompt.submitted", { at: "2026-07-01T00:00:00Z" }));
  expect([active, first].sort(comparison("attention")).map(({ id }) => id)).toEqual(["a", "b"]);
  expect([first, active].sort(comparison("activity")).map(({ id }) => id)).toEqual(["b", "a"]);
});

it("finds all words in name, folder and milestone", () => {
  expect(matches(project("a"), wordsOf("  shop LOGIN "))).toBe(true);
  expect(matches(project("a"), wordsOf("/srv/a"))).toBe(true);
  expect(matches(project("a"), wordsOf("shop cart"))).toBe(false);
});
