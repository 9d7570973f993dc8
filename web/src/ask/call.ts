/** Splits a tool call into readable pieces, for a person before agreeing. */

/** Most visible characters of a piece; the server cuts longer texts earlier. */
export const PIECE_MAX = 8_000;
/** Most visible pieces. */
export const PIECES_MAX = 20;

export type Look = "code" | "text" | "removed" | "added";

export interface Piece {
  /** The field's name in the call. */
  name: string;
  look: Look;
  text: string;
  /** The number of hidden characters. */
  left: number;
}

/** The most telling fields, in reading order. */
const FIRST = ["command", "file_path", "notebook_path", "path", "url", "query", "pattern", "plan"];
const LOOKS: Readonly<Record<string, Look>> = {
  description: "text",
  plan: "text",
  prompt: "text",
  query: "text",
  old_string: "removed",
  new_string: "added",
};

/** The pieces of a call, the most telling first. */
export function pieces(input: unknown): Piece[] {
  if (input === null || input === undefined) return [];
  if (typeof input !== "object" || Array.isArray(input)) return [piece("", input)];
  const place = (name: string): number => {
    const at = FIRST.indexOf(name);
    return at < 0 ? FIRST.length : at;
  };
  return Object.entries(input)
    .filter(([, value]) => value !== null && value !== "")
    .sort(([a], [b]) => place(a) - place(b))
    .slice(0, PIECES_MAX)
    .map(([name, value]) => piece(name, value));
}

function piece(name: string, value: unknown): Piece {
  const whole = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const shown = whole.slice(0, PIECE_MAX);
  return { name, look: LOOKS[name] ?? "code", text: visible(shown), left: whole.length - shown.length };
}

/** Invisible characters, and characters that change their neighbours: control, direction, zero width. */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text with invisible characters spelled out: people must read the exact text before agreeing. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(HIDDEN, (char) => {
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return `\\u{${code.toString(16)}}`;
  });
}
