/** Finds entries by letters in order: "wsh" finds "Web shop". */

/** How well `text` fits `query`, higher is better; `null` when it does not. */
export function score(text: string, query: string): number | null {
  const wanted = plain(query);
  if (wanted === "") return 0;
  const given = plain(text);
  const at = given.indexOf(wanted);
  // A whole piece is best, at the beginning of a word most of all.
  if (at >= 0) return 1_000 - at + (begins(given, at) ? 500 : 0) - given.length / 100;
  let points = 0;
  let place = 0;
  for (const letter of wanted) {
    if (letter === " ") continue;
    const found = given.indexOf(letter, place);
    if (found < 0) return null;
    points += begins(given, found) ? 8 : found === place ? 4 : 1;
    place = found + 1;
  }
  return points - given.length / 100;
}

/** The best entries for the query, in order; without a query as they are. */
export function best<T>(entries: readonly T[], query: string, text: (entry: T) => string, most: number): T[] {
  if (query.trim() === "") return entries.slice(0, most);
  const scored: { entry: T; points: number }[] = [];
  for (const entry of entries) {
    const points = score(text(entry), query);
    if (points !== null) scored.push({ entry, points });
  }
  return scored
    .sort((a, b) => b.points - a.points)
    .slice(0, most)
    .map(({ entry }) => entry);
}

const begins = (text: string, at: number): boolean => at === 0 || /[\s/_.-]/.test(text[at - 1] ?? "");

/** In small letters without accents. */
const plain = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
