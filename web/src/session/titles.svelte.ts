/** Titles of conversations: the server reads them from their transcripts. */
import { SvelteMap } from "svelte/reactivity";
import { getConversation } from "../api/history_calls";

/** Most titles that the page keeps. */
export const KEPT_MAX = 1_000;

/** Titles by the conversation's id; an empty text where it has none. */
const known = new SvelteMap<string, string>();

/** The title of a conversation, once it is known; else the beginning of its id. */
export const titleOf = (conversation: string): string => known.get(conversation) || conversation.slice(0, 8);

/** A page of a conversation carries its title. */
export function knowTitle(conversation: string, title: string | null | undefined): void {
  if (known.size >= KEPT_MAX && !known.has(conversation)) known.clear();
  known.set(conversation, title ?? "");
}

type Ask = (conversation: string) => Promise<string | null | undefined>;

/**
 * Reads the titles of a project's conversations, one after another: of the current one each time,
 * because it may get another title; of all others once. A failed request is made again later.
 */
export async function readTitles(
  projectId: string,
  conversations: readonly string[],
  current: string | null,
  ask: Ask = (id) => titleFrom(projectId, id),
): Promise<void> {
  for (const id of conversations) {
    if (known.has(id) && id !== current) continue;
    try {
      knowTitle(id, await ask(id));
    } catch {
      // The id stands in for it.
    }
  }
}

async function titleFrom(projectId: string, conversation: string): Promise<string | null | undefined> {
  const page = await getConversation(projectId, { claude_session_id: conversation, limit: 1 });
  return page.title;
}
