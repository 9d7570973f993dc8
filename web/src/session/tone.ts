/** The word and colour of a session's state. */
import type { Session } from "../api/types";
import type { Key } from "../i18n/i18n";

export interface Look {
  tone: "calm" | "good" | "busy" | "wait" | "bad";
  key: Key;
  lively: boolean;
}

/** The agent's state while it runs, else the session's; or a headless run. */
export function sessionLook(session: Pick<Session, "status" | "agent_state" | "exit" | "run">): Look {
  const over = ["none", "exited", "hibernated"].includes(session.status);
  if (over && session.run?.state === "running")
    return { tone: "busy", key: "session.status.run", lively: true };
  if (session.status === "none") return { tone: "calm", key: "session.status.none", lively: false };
  if (session.status === "starting") return { tone: "busy", key: "session.status.starting", lively: true };
  if (session.status === "unreachable")
    return { tone: "bad", key: "session.status.unreachable", lively: false };
  if (session.status === "hibernated")
    return { tone: "calm", key: "session.status.hibernated", lively: false };
  if (session.status === "exited") {
    const crashed = session.exit !== null && session.exit.code !== 0 && session.exit.reason !== "stopped";
    return { tone: crashed ? "bad" : "calm", key: "session.status.exited", lively: false };
  }
  switch (session.agent_state) {
    case "starting":
      return { tone: "busy", key: "session.agent.starting", lively: true };
    case "idle":
      return { tone: "good", key: "session.agent.idle", lively: false };
    case "working":
      return { tone: "busy", key: "session.agent.working", lively: true };
    case "waiting_limit":
      return { tone: "wait", key: "session.agent.waiting_limit", lively: false };
    case "waiting_permission":
    case "waiting_question":
    case "blocked_dialog":
      return { tone: "wait", key: `session.agent.${session.agent_state}`, lively: true };
    default:
      return { tone: "calm", key: "session.agent.unknown", lively: false };
  }
}
