/** Places in files that the agent names, such as `src/main.rs:12:5`. */
import type { ILink, ILinkProvider, Terminal } from "@xterm/xterm";

export interface Place {
  text: string;
  /** The first character's index in the line, and the one after the last. */
  from: number;
  to: number;
}

/** Longest line that is looked at, in characters. */
const LINE_MAX = 2_000;
/** A path with an extension or a slash, then a line and perhaps a column. */
const PLACE = /(?<![\w./:@-])(?:[\w@.+-]*\/)*[\w@+-][\w@.+-]*:[1-9]\d{0,6}(?::\d{1,5})?(?!\w|:\d)/g;

/** The places in a line; an address or a time of day is none. */
export function placesIn(line: string): Place[] {
  const found: Place[] = [];
  for (const match of line.slice(0, LINE_MAX).matchAll(PLACE)) {
    const [text] = match;
    const path = text.replace(/(?::\d+){1,2}$/, "");
    if (!/[./]/.test(path) || !/[A-Za-z_]/.test(path)) continue;
    // `localhost:8052`, `example.com:443` and `127.0.0.1:80` have no folder and no known ending.
    if (!path.includes("/") && !/\.[A-Za-z]\w{0,5}$/.test(path)) continue;
    if (!path.includes("/") && /\.(?:com|org|net|io|dev|local|localhost)$/i.test(path)) continue;
    found.push({ text, from: match.index, to: match.index + text.length });
  }
  return found;
}

/** Makes the places of a terminal links; `press` takes the text of a pressed one. */
export function linkPlaces(
  terminal: Terminal,
  { hover, press }: { hover: (text: string | null) => void; press: (text: string) => void },
): ILinkProvider {
  return {
    provideLinks: (row, give) => {
      const line = terminal.buffer.active.getLine(row - 1);
      const links = placesIn(line?.translateToString(true) ?? "").map(
        ({ text, from, to }): ILink => ({
          text,
          range: { start: { x: from + 1, y: row }, end: { x: to, y: row } },
          activate: () => press(text),
          hover: () => hover(text),
          leave: () => hover(null),
        }),
      );
      give(links.length > 0 ? links : undefined);
    },
  };
}
