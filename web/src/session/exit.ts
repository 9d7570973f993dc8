/** How a session ended, in words. */
import type { SessionExit } from "../api/types";
import { t } from "../i18n/i18n";
import { signalName } from "./signal";

/** Reasons with a text of ours: see "After a reboot" in docs/operations.md. */
const WORDS = {
  rebooted: "session.exit_rebooted",
  terminated: "session.exit_terminated",
  holder_lost: "session.exit_holder_lost",
  oom_killed: "session.exit_oom_killed",
  damaged: "session.exit_damaged",
} as const;

/** Reasons that say no more than the code, the signal or the request. */
const ORDERLY: readonly string[] = ["exited", "signaled", "stopped", "hibernated"];

/** The problem, if the reason adds to the code, the signal or the request. */
export function wentWrong(reason: string | null): string | null {
  if (reason === null || ORDERLY.includes(reason)) return null;
  if (reason !== null && Object.hasOwn(WORDS, reason)) return t(WORDS[reason as keyof typeof WORDS]);
  return reason;
}

export function exitText({ code, signal, reason }: SessionExit): string {
  if (reason === "stopped") return t("session.exit_stopped");
  if (reason === "hibernated") return t("session.exit_hibernated");
  const parts: string[] = [];
  if (signal !== null) parts.push(t("session.exit_signal", { signal: signalName(signal) }));
  else if (code !== null) parts.push(t("session.exit_code", { code }));
  const wrong = wentWrong(reason);
  if (wrong) parts.push(wrong);
  return parts.join(" · ");
}
