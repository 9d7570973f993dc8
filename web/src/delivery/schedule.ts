/** Times of commands, in the form of the browser's fields. */

const pad = (number: number): string => String(number).padStart(2, "0");

/** RFC 3339 as local time for a field; empty for none. */
export function toLocal(time: string | null): string {
  if (!time) return "";
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return "";
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

/** A field's local time as RFC 3339 UTC; `null` for an empty one. */
export function fromLocal(text: string): string | null {
  const at = new Date(text);
  return text === "" || Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** Open commands in their order, and the latest of the others, newest first. */
export function divided<T extends { state: string }>(newestFirst: readonly T[]): { open: T[]; over: T[] } {
  const isOpen = ({ state }: T) => state === "queued" || state === "written";
  return { open: newestFirst.filter(isOpen).toReversed(), over: newestFirst.filter((one) => !isOpen(one)) };
}
