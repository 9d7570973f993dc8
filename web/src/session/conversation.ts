/** The conversations of a project, as they are listed. */
import type { HistoryEntry, Session } from "../api/types";
import { type Key, t } from "../i18n/i18n";

export interface Shown {
  entry: HistoryEntry;
  current: boolean;
  /** Why it was left, where that says more than how the next one began. */
  left: string | null;
}

const BEGAN: Readonly<Record<string, Key>> = {
  startup: "conversation.began.startup",
  resume: "conversation.began.resume",
  clear: "conversation.began.clear",
  compact: "conversation.began.compact",
  lost: "conversation.began.lost",
  headless: "conversation.began.headless",
};

/** How a conversation began. */
export function beganText(source: string): string {
  const key = BEGAN[source];
  return key ? t(key) : source;
}

/** Newest first. One that was continued later stands there only as what it was last. */
export function conversations(
  session: Pick<Session, "claude_session_history" | "claude_session_id">,
): Shown[] {
  const seen = new Set<string>();
  const shown: Shown[] = [];
  for (const entry of session.claude_session_history.toReversed()) {
    if (seen.has(entry.id)) continue;
    seen.add(entry.id);
    const { id, reason } = entry;
    shown.push({
      entry,
      current: id === session.claude_session_id,
      left: reason && !(reason in BEGAN) ? reason : null,
    });
  }
  return shown;
}
