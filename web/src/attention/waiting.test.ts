import { expect, it } from "vitest";
import { after, namesIn, type WaitingMap } from "./waiting";

const NONE: WaitingMap = new Map();
const event = (type: string, project: string, facts: object) => ({
  type,
  project,
  data: JSON.stringify(facts),
});
const listed = (id: string, agent_state: string, asks: unknown = null, status = "running") => ({
  id,
  name: `Project ${id}`,
  session: { status, agent_state, asks },
});

it("takes the waiting projects of a list", () => {
  const state = event("state", "", {
    projects: [
      listed("a", "idle"),
      listed("b", "waiting_permission"),
      listed("c", "working", { kind: "question" }),
      listed("d", "waiting_question", null, "exited"),
    ],
  });
  const now = after(NONE, state, new Map());
  expect([...now.keys()]).toEqual(["b", "c"]);
  expect(now.get("b")?.name).toBe("Project b");
  expect(namesIn(state).length).toBe(4);
});

it("follows a project in and out", () => {
  const names = new Map([["a", "Shop"]]);
  const asking = event("agent.state", "a", { state: "waiting_permission", ask: { kind: "permission" } });
  const now = after(NONE, asking, names);
  expect(now.get("a")).toEqual({ id: "a", name: "Shop", state: "waiting_permission", kind: "permission" });
  expect(after(now, asking, names)).toBe(now);
  expect(after(now, event("tool.started", "a", {}), names)).toBe(now);
  expect(after(now, event("agent.state", "a", { state: "working", ask: null }), names).size).toBe(0);
  expect(after(now, event("session.exited", "a", {}), names).size).toBe(0);
});

it("reads the state of a single project", () => {
  const waiting = event("state", "a", { session: { status: "running", agent_state: "blocked_dialog" } });
  const now = after(NONE, waiting, new Map());
  expect(now.size).toBe(1);
  const over = event("state", "a", { session: { status: "exited", agent_state: "blocked_dialog" } });
  expect(after(now, over, new Map()).size).toBe(0);
});

it("takes damaged data for nothing", () => {
  expect(after(NONE, { type: "agent.state", project: "a", data: "{" }, new Map()).size).toBe(0);
});
