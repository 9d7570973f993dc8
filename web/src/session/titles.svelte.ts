/** Titles of conversations: the first words of the user. */
import { SvelteMap } from "svelte/reactivity";
import { exportLinesAddress } from "../api/history_calls";
import type { Turn } from "../api/types";

/** Most characters of a title. */
export const TITLE_MAX = 80;
/** Most bytes of a conversation that are read for its title. */
const READ_MAX = 256 << 10; // 256 KiB
/** Most titles that the page keeps. */
const KEPT_MAX = 1_000;

/** Words of the conversation by its id; an empty text where it has none. */
const known = new SvelteMap<string, string>();

/** The title of a conversation, once it is known; else the beginning of its id. */
export const titleOf = (conversation: string): string => known.get(conversation) || conversation.slice(0, 8);

/** Reads the titles of a project's conversations, one after another. */
export async function readTitles(projectId: string, conversations: readonly string[]): Promise<void> {
  for (const id of conversations) {
    if (known.get(id)) continue;
    if (known.size >= KEPT_MAX) known.clear();
    const title = await read(exportLinesAddress(projectId, id)).catch(() => "");
    known.set(id, title);
  }
}

/** The title in the beginning of an export; the rest is not requested. */
async function read(address: string): Promise<string> {
  const giveUp = new AbortController();
  const response = await fetch(address, { signal: giveUp.signal });
  const reader = response.ok ? response.body?.getReader() : undefined;
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let bytes = 0; bytes < READ_MAX; ) {
      const { done, value } = await reader.read();
      if (done) return titleIn(`${text}\n`) ?? "";
      bytes += value.length;
      text += decoder.decode(value, { stream: true });
      const title = titleIn(text);
      if (title !== null) return title;
    }
    return "";
  } finally {
    giveUp.abort();
  }
}

/** The first line of the user in whole lines of an export; `null` while there is none. */
export function titleIn(lines: string): string | null {
  for (const line of lines.split("\n").slice(0, -1)) {
    const turn = turnOf(line);
    if (turn?.role !== "user") continue;
    for (const block of turn.blocks) {
      if (block.type !== "text") continue;
      const words = block.text.split("\n").find((one) => one.trim() !== "");
      if (words && !words.startsWith("/clear")) return shortened(words.trim());
    }
  }
  return null;
}

function turnOf(line: string): Pick<Turn, "role" | "blocks"> | null {
  try {
    return JSON.parse(line) as Turn;
  } catch {
    return null;
  }
}

const shortened = (words: string): string =>
  words.length > TITLE_MAX ? `${words.slice(0, TITLE_MAX - 1).trimEnd()}…` : words;
