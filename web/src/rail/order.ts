/** What the rail shows of a project. */
import { comparison, type Row } from "../overview/row";

/** Most projects in the rail: those that need a person come first, the palette knows the others. */
export const RAIL_MAX = 30;

/** The first projects by attention; the shown one is always among them. */
export function railed(rows: readonly Row[], current: string | null): Row[] {
  const sorted = [...rows].sort(comparison("attention"));
  const first = sorted.slice(0, RAIL_MAX);
  const shown = sorted.find(({ id }) => id === current);
  if (shown && !first.includes(shown)) first[RAIL_MAX - 1] = shown;
  return first;
}

/** Two letters of a name: of its first two words, else its first two. */
export function initials(name: string): string {
  const words = name.split(/[\s\-_./]+/u).filter(Boolean);
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => [...word][0]) : [...(words[0] ?? "")];
  return letters.slice(0, 2).join("").toLocaleUpperCase();
}
