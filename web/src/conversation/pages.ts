/** Turns of a conversation, joined from pages. */
import type { Turn } from "../api/types";

/**
 * The turns with a newer reading of their end. A turn that grew takes the place of its earlier form;
 * a page that does not touch the held ones replaces them.
 */
export function joined(held: readonly Turn[], newest: readonly Turn[]): { turns: Turn[]; gap: boolean } {
  const first = newest[0];
  if (!first) return { turns: [...held], gap: false };
  const at = held.findIndex(({ id }) => id === first.id);
  if (at < 0) return { turns: [...newest], gap: held.length > 0 };
  return { turns: [...held.slice(0, at), ...newest], gap: false };
}

/** The turns with an older page in front. */
export function prepended(older: readonly Turn[], held: readonly Turn[]): Turn[] {
  const known = new Set(held.map(({ id }) => id));
  return [...older.filter(({ id }) => !known.has(id)), ...held];
}

/** Whether another milestone begins at the turn. */
export const beginsMilestone = (turns: readonly Turn[], at: number): boolean =>
  turns[at]?.milestone_id !== null && turns[at]?.milestone_id !== turns[at - 1]?.milestone_id;
