/** The life of the terminal's connection, as a pure machine: (phase, event) → phase and effects. */

import type { Exit } from "./frame";

/** First pause before reconnecting, in milliseconds; doubles with each failure. */
export const RETRY_FIRST_MS = 500;
/** Longest pause before reconnecting, in milliseconds. */
export const RETRY_LAST_MS = 5_000;
/** Longest time for the handshake, in milliseconds. */
export const OPEN_LIMIT_MS = 15_000;
/** Longest time from the handshake to the session, in milliseconds: the agent may have to start. */
export const SESSION_LIMIT_MS = 60_000;
/** A connection of this duration, in milliseconds, was good: failures count from zero. */
export const STABLE_MS = 5_000;

export type Phase =
  | { at: "idle" }
  /** `failures` counts short connections in a row; `again` is true after the first connection. */
  | { at: "connecting"; failures: number; again: boolean }
  | { at: "connected"; failures: number }
  | { at: "waiting"; failures: number; again: boolean; delay: number }
  /** No session runs: how the last session ended, or `null` without any session so far. */
  | { at: "ended"; exit: Exit | null }
  /** The server refused, with a close code for lasting refusals. */
  | { at: "refused"; code: number; reason: string; mayRetry: boolean }
  | { at: "signed_out" };

export type LinkEvent =
  | { type: "start" }
  | { type: "opened" }
  /** The server named the session. */
  | { type: "attached" }
  | { type: "exited"; exit: Exit }
  | { type: "lost"; code: number; reason: string }
  /** The output does not fit the earlier output: start again at the newest screen. */
  | { type: "broken" }
  | { type: "timer" }
  /** The network returned, or the page became visible. */
  | { type: "wake" }
  | { type: "stop" };

/** There is a single socket and a single timer; `open` and `schedule` replace the earlier ones. */
export type Effect =
  | { do: "open" }
  | { do: "close" }
  | { do: "schedule"; ms: number }
  | { do: "cancel" }
  | { do: "login" };

export type Step = [Phase, Effect[]];

/** Close codes of a refusal, and whether a retry by the user makes sense. */
const REFUSALS: ReadonlyMap<number, { mayRetry: boolean }> = new Map([
  [4000, { mayRetry: false }], // malformed id
  [4003, { mayRetry: true }], // workspace folder missing: somebody may restore it
  [4004, { mayRetry: false }], // no such project
  [4005, { mayRetry: true }], // the agent could not start
  [4009, { mayRetry: false }], // milestone already finished
  [4403, { mayRetry: false }], // the role does not allow it
]);

const NOT_ALLOWED = 4401;
/** The server has shown everything. */
const ENDED = 1000;

export function step(phase: Phase, event: LinkEvent): Step {
  switch (event.type) {
    case "start":
      // A second start of a running connection changes nothing.
      if (phase.at === "connecting" || phase.at === "connected") return [phase, []];
      return connect({ failures: 0, again: phase.at === "waiting" && phase.again });
    case "stop":
      return [{ at: "idle" }, [{ do: "cancel" }, { do: "close" }]];
    case "opened":
      if (phase.at !== "connecting") return [phase, []];
      return [phase, [{ do: "schedule", ms: SESSION_LIMIT_MS }]];
    case "attached":
      if (phase.at !== "connecting") return [phase, []];
      return [{ at: "connected", failures: phase.failures }, [{ do: "schedule", ms: STABLE_MS }]];
    case "exited":
      if (!isLive(phase)) return [phase, []];
      return [{ at: "ended", exit: event.exit }, [{ do: "cancel" }, { do: "close" }]];
    case "lost":
      return isLive(phase) ? lost(phase, event.code, event.reason) : [phase, []];
    case "broken":
      if (!isLive(phase)) return [phase, []];
      return wait({ failures: phase.failures, again: cameBefore(phase) }, [{ do: "close" }]);
    case "timer":
      if (phase.at === "waiting") return connect(phase);
      if (phase.at === "connecting") return wait(phase, [{ do: "close" }]);
      if (phase.at === "connected") return [{ at: "connected", failures: 0 }, []];
      return [phase, []];
    case "wake":
      return phase.at === "waiting" ? connect(phase) : [phase, []];
  }
}

/** Whether the connection is there, or on its way back: keys count in both cases. */
export const takesKeys = (phase: Phase): boolean =>
  phase.at === "connected" || ((phase.at === "connecting" || phase.at === "waiting") && phase.again);

/** The pause after this number of failures in a row. */
export function retryDelay(failures: number): number {
  return Math.min(RETRY_FIRST_MS * 2 ** Math.min(failures, 10), RETRY_LAST_MS);
}

type Live = Extract<Phase, { at: "connecting" | "connected" }>;
const isLive = (phase: Phase): phase is Live => phase.at === "connecting" || phase.at === "connected";
const cameBefore = (phase: Live): boolean => phase.at === "connected" || phase.again;

function connect({ failures, again }: { failures: number; again: boolean }): Step {
  return [{ at: "connecting", failures, again }, [{ do: "open" }, { do: "schedule", ms: OPEN_LIMIT_MS }]];
}

function wait({ failures, again }: { failures: number; again: boolean }, effects: Effect[]): Step {
  const delay = retryDelay(failures);
  return [
    { at: "waiting", failures: failures + 1, again, delay },
    [...effects, { do: "schedule", ms: delay }],
  ];
}

function lost(phase: Live, code: number, reason: string): Step {
  if (code === NOT_ALLOWED) return [{ at: "signed_out" }, [{ do: "cancel" }, { do: "login" }]];
  // Without a session before: there is none.
  if (code === ENDED && phase.at === "connecting") return [{ at: "ended", exit: null }, [{ do: "cancel" }]];
  const refusal = REFUSALS.get(code);
  if (refusal) return [{ at: "refused", code, reason, mayRetry: refusal.mayRetry }, [{ do: "cancel" }]];
  return wait({ failures: phase.failures, again: cameBefore(phase) }, []);
}
