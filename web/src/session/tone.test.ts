import { expect, it } from "vitest";
import type { Run, SessionExit } from "../api/types";
import { exitText } from "./exit";
import { sessionLook } from "./tone";

const exit = (fields: Partial<SessionExit>): SessionExit => ({
  code: null,
  signal: null,
  at: "2026-01-01T00:00:00Z",
  reason: "exited",
  ...fields,
});
const exited = (fields: Partial<SessionExit>) =>
  sessionLook({ status: "exited", agent_state: "unknown", exit: exit(fields), run: null });

it("says how a session ended", () => {
  expect(exitText(exit({ code: 3, reason: "exited" }))).toBe("exit code 3");
  expect(exitText(exit({ signal: 9, reason: "signaled" }))).toBe("signal SIGKILL");
  expect(exitText(exit({ signal: 34 }))).toBe("signal 34");
  expect(exitText(exit({ signal: 15, reason: "stopped" }))).toBe("on request");
  expect(exitText(exit({ reason: "rebooted" }))).toBe("the machine went down");
  expect(exitText(exit({ signal: 9, reason: "oom_killed" }))).toBe("signal SIGKILL · out of memory");
  expect(exitText(exit({ reason: "toString" }))).toBe("toString");
  expect(exitText(exit({ reason: "the holder is gone" }))).toBe("the holder is gone");
});

it("alarms only about ends that nobody asked for", () => {
  expect(exited({ code: 1 }).tone).toBe("bad");
  expect(exited({ signal: 9, reason: "signaled" }).tone).toBe("bad");
  expect(exited({ code: 0, reason: "exited" }).tone).toBe("calm");
  expect(exited({ signal: 15, reason: "stopped" }).tone).toBe("calm");
});

it("names the agent's state only while the session runs", () => {
  const state = { agent_state: "working", exit: null, run: null } as const;
  expect(sessionLook({ status: "running", ...state }).key).toBe("session.agent.working");
  expect(sessionLook({ status: "starting", ...state }).key).toBe("session.status.starting");
  expect(sessionLook({ status: "none", ...state }).key).toBe("session.status.none");
});

it("says that a run is under way where no session is", () => {
  const run = { state: "running" } as Run;
  const state = { agent_state: "unknown", exit: null } as const;
  expect(sessionLook({ status: "exited", ...state, run }).key).toBe("session.status.run");
  expect(sessionLook({ status: "none", ...state, run }).key).toBe("session.status.run");
  expect(sessionLook({ status: "none", ...state, run: { ...run, state: "failed" } }).key).toBe(
    "session.status.none",
  );
  expect(sessionLook({ status: "starting", ...state, run }).key).toBe("session.status.starting");
});

it("names a usage limit as something to wait for", () => {
  const state = { agent_state: "waiting_limit", exit: null, run: null } as const;
  const look = sessionLook({ status: "running", ...state });
  expect([look.key, look.tone]).toEqual(["session.agent.waiting_limit", "wait"]);
});
