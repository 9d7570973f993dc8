/** The list of a project's conversations. */
import type { HistoryEntry, Session } from "../api/types";
import { type Key, t } from "../i18n/i18n";

export interface Shown {
  entry: HistoryEntry;
  current: boolean;
  /** The reason for leaving the conversation, if the reason adds to the next conversation's origin. */
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

/** The origin of a conversation. */
export function beganText(source: string): string {
  const key = BEGAN[source];
  return key ? t(key) : source;
}

/** Newest first. A resumed conversation is listed once, at its last time. */
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
