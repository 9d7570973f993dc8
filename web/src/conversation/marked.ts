/** Marks the searched words in a hit's text. */

export interface Piece {
  text: string;
  hit: boolean;
}

/** Each word may be the beginning of one in the text, in any case; accents count only here. */
export function marked(text: string, query: string): Piece[] {
  const words = query.split(/[^\p{L}\p{N}_]+/u).filter(Boolean);
  if (words.length === 0) return [{ text, hit: false }];
  const found = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.join("|")})`, "giu");
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(found)) {
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), hit: false });
    pieces.push({ text: match[0], hit: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), hit: false });
  return pieces;
}
