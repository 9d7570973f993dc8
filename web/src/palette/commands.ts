/** The entries of the palette: commands of the shown page, of the whole page, and places to go. */

export interface Command {
  id: string;
  title: string;
  /** The kind of the entry, as a word for the user. */
  kind: string;
  /** The command's keyboard shortcut. */
  keys?: string;
  /** The state of a project, for its pill. */
  tone?: "calm" | "good" | "busy" | "wait" | "bad";
  state?: string;
  run: () => void;
}

type Source = () => Command[];

const sources = new Set<Source>();

/** Adds commands for as long as their page shows; the returned function removes them. */
export function offer(source: Source): () => void {
  sources.add(source);
  return () => sources.delete(source);
}

/** The newest source comes first: that of the shown page. */
export const offered = (): Command[] => [...sources].toReversed().flatMap((source) => source());
