/** How a session ended, in words. */
import type { SessionExit } from "../api/types";
import { t } from "../i18n/i18n";
import { signalName } from "./signal";

export function exitText({ code, signal, reason }: SessionExit): string {
  if (reason === "stopped") return t("session.exit_stopped");
  const parts: string[] = [];
  if (signal !== null) parts.push(t("session.exit_signal", { signal: signalName(signal) }));
  else if (code !== null) parts.push(t("session.exit_code", { code }));
  // These two say what the code or the signal says already.
  if (reason && reason !== "exited" && reason !== "signaled") parts.push(reason);
  return parts.join(" · ");
}
