/** How a session ended, in words. */
import type { SessionExit } from "../api/types";
import { t } from "../i18n/i18n";
import { signalName } from "./signal";

/** What went wrong, where the reason says more than the code, the signal or the wish to end it. */
export function wentWrong(reason: string | null): string | null {
  return reason === "exited" || reason === "signaled" || reason === "stopped" ? null : reason;
}

export function exitText({ code, signal, reason }: SessionExit): string {
  if (reason === "stopped") return t("session.exit_stopped");
  const parts: string[] = [];
  if (signal !== null) parts.push(t("session.exit_signal", { signal: signalName(signal) }));
  else if (code !== null) parts.push(t("session.exit_code", { code }));
  const wrong = wentWrong(reason);
  if (wrong) parts.push(wrong);
  return parts.join(" · ");
}
