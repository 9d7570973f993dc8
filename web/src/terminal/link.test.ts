import { describe, expect, it } from "vitest";
import {
  type Effect,
  type LinkEvent,
  OPEN_LIMIT_MS,
  type Phase,
  RETRY_LAST_MS,
  retryDelay,
  SESSION_LIMIT_MS,
  STABLE_MS,
  step,
} from "./link";

/** Feeds events from `idle`; returns the last phase and the effects of the last event. */
function run(...events: LinkEvent[]): [Phase, Effect[]] {
  let phase: Phase = { at: "idle" };
  let effects: Effect[] = [];
  for (const event of events) [phase, effects] = step(phase, event);
  return [phase, effects];
}

const start: LinkEvent = { type: "start" };
const opened: LinkEvent = { type: "opened" };
const attached: LinkEvent = { type: "attached" };
const timer: LinkEvent = { type: "timer" };
const wake: LinkEvent = { type: "wake" };
const lost = (code = 1006, reason = ""): LinkEvent => ({ type: "lost", code, reason });
const exited: LinkEvent = { type: "exited", exit: { code: 0, signal: null, reason: "exited" } };

describe("the connection", () => {
  it("opens, attaches and is good after a while", () => {
    expect(run(start)).toEqual([
      { at: "connecting", failures: 0, again: false },
      [{ do: "open" }, { do: "schedule", ms: OPEN_LIMIT_MS }],
    ]);
    expect(run(start, opened)[1]).toEqual([{ do: "schedule", ms: SESSION_LIMIT_MS }]);
    expect(run(start, opened, attached)).toEqual([
      { at: "connected", failures: 0 },
      [{ do: "schedule", ms: STABLE_MS }],
    ]);
    expect(run(start, opened, attached, timer)).toEqual([{ at: "connected", failures: 0 }, []]);
  });

  it("comes back by itself, and says that it is coming back", () => {
    expect(run(start, opened, attached, lost())).toEqual([
      { at: "waiting", failures: 1, again: true, delay: 500 },
      [{ do: "schedule", ms: 500 }],
    ]);
    expect(run(start, opened, attached, lost(), timer)).toEqual([
      { at: "connecting", failures: 1, again: true },
      [{ do: "open" }, { do: "schedule", ms: OPEN_LIMIT_MS }],
    ]);
  });

  it("waits longer with each failure, up to the bound", () => {
    const delays: number[] = [];
    let [phase] = run(start);
    for (let i = 0; i < 40; i += 1) {
      let effects: Effect[];
      [phase, effects] = step(phase, lost());
      expect(phase.at).toBe("waiting");
      for (const effect of effects) if (effect.do === "schedule") delays.push(effect.ms);
      [phase] = step(phase, timer);
    }
    expect(delays.slice(0, 5)).toEqual([500, 1000, 2000, 4000, 5000]);
    expect(Math.max(...delays)).toBe(RETRY_LAST_MS);
    expect(delays.length).toBe(40);
    expect(retryDelay(1e9)).toBe(RETRY_LAST_MS);
  });

  it("counts failures anew only after a connection that lasted", () => {
    const [short] = run(start, lost(), timer, attached, lost());
    expect(short).toMatchObject({ at: "waiting", failures: 2 });
    const [long] = run(start, lost(), timer, attached, timer, lost());
    expect(long).toMatchObject({ at: "waiting", failures: 1 });
  });

  it("connects at once when the network or the page comes back", () => {
    expect(run(start, lost(), wake)[0]).toEqual({ at: "connecting", failures: 1, again: false });
    for (const events of [[start], [start, attached], [start, exited], [start, lost(4004)]]) {
      const [before] = run(...events);
      expect(run(...events, wake)).toEqual([before, []]);
    }
  });

  it("gives up a handshake or a session that takes too long, and tries again", () => {
    expect(run(start, timer)[1]).toEqual([{ do: "close" }, { do: "schedule", ms: 500 }]);
    expect(run(start, opened, timer)[0]).toMatchObject({ at: "waiting", failures: 1 });
  });

  it("ends with the session, whatever closes the socket afterwards", () => {
    const [phase, effects] = run(start, attached, exited);
    expect(phase).toEqual({ at: "ended", exit: { code: 0, signal: null, reason: "exited" } });
    expect(effects).toEqual([{ do: "cancel" }, { do: "close" }]);
    expect(run(start, attached, exited, lost(1000))).toEqual([phase, []]);
    expect(run(start, attached, exited, lost(1006), timer, wake)).toEqual([phase, []]);
    expect(run(start, attached, exited, start)[0]).toEqual({ at: "connecting", failures: 0, again: false });
  });

  it("has ended where there is no session to join", () => {
    expect(run(start, opened, lost(1000, "no session runs"))).toEqual([
      { at: "ended", exit: null },
      [{ do: "cancel" }],
    ]);
    expect(run(start, attached, lost(), timer, opened, lost(1000))[0]).toEqual({ at: "ended", exit: null });
  });

  it("takes a close without the end of the session as a lost connection", () => {
    for (const code of [1000, 1001, 1006, 1011, 1012]) {
      expect(run(start, attached, lost(code))[0]).toMatchObject({ at: "waiting" });
    }
  });

  it("does not knock for ever where the server said no", () => {
    for (const [code, mayRetry] of [
      [4000, false],
      [4003, true],
      [4004, false],
      [4005, true],
      [4009, false],
      [4403, false],
    ] as const) {
      const [phase, effects] = run(start, opened, lost(code, "why"));
      expect(phase).toEqual({ at: "refused", code, reason: "why", mayRetry });
      expect(effects).toEqual([{ do: "cancel" }]);
      expect(run(start, opened, lost(code, "why"), timer, wake)).toEqual([phase, []]);
    }
    expect(run(start, lost(4005), start)[0]).toMatchObject({ at: "connecting", failures: 0 });
  });

  it("asks for a login when it is not allowed", () => {
    expect(run(start, opened, lost(4401))).toEqual([
      { at: "signed_out" },
      [{ do: "cancel" }, { do: "login" }],
    ]);
  });

  it("begins anew when what comes makes no sense, and not faster each time", () => {
    const broken: LinkEvent = { type: "broken" };
    const [phase, effects] = run(start, attached, broken);
    expect(phase).toMatchObject({ at: "waiting", again: true, failures: 1 });
    expect(effects[0]).toEqual({ do: "close" });
    expect(run(start, opened, broken)[0]).toMatchObject({ at: "waiting", again: false, failures: 1 });
    expect(run(start, attached, broken, timer, attached, broken)[0]).toMatchObject({ failures: 2 });
    for (const events of [[], [start, attached, lost()], [start, attached, exited], [start, lost(4004)]]) {
      const [before] = run(...events);
      expect(run(...events, broken)).toEqual([before, []]);
    }
  });

  it("stops from anywhere and stays stopped", () => {
    for (const events of [[start], [start, attached], [start, lost()], [start, exited]]) {
      const [phase, effects] = run(...events, { type: "stop" });
      expect(phase).toEqual({ at: "idle" });
      expect(effects).toEqual([{ do: "cancel" }, { do: "close" }]);
      expect(run(...events, { type: "stop" }, lost(), timer, wake)).toEqual([{ at: "idle" }, []]);
    }
  });
});
