/** Reads a recording, an asciicast of version 3: https://docs.asciinema.org/manual/asciicast/v3/. */
import type { Size } from "../terminal/frame";
import { SIZE_MAX } from "../terminal/frame";

/** Most bytes of a recording that the page plays. */
export const CAST_MAX = 32 << 20; // 32 MiB
/** Longest silence that is played, in milliseconds, when silences are cut. */
export const IDLE_MAX_MS = 2_000;

export interface CastEvent {
  /** Since the beginning, in milliseconds; `at` with silences cut. */
  real: number;
  at: number;
  kind: "output" | "size" | "mark" | "exit";
  data: string;
}

export interface Cast {
  size: Size;
  /** The time of the first event, in milliseconds since the epoch; `null` if unknown. */
  began: number | null;
  events: CastEvent[];
}

const KINDS: Readonly<Record<string, CastEvent["kind"]>> = { o: "output", r: "size", m: "mark", x: "exit" };

/** Reads whole lines; a line in an unknown form is left out. Throws without a header. */
export function parseCast(text: string): Cast {
  const [first = "", ...lines] = text.split("\n");
  const header = JSON.parse(first) as { version?: unknown; term?: Partial<Size>; timestamp?: unknown };
  const size = sized(header.term?.cols, header.term?.rows);
  if (header.version !== 3 || !size) throw new Error("not an asciicast of version 3");
  const events: CastEvent[] = [];
  let [real, at] = [0, 0];
  for (const line of lines) {
    const event = read(line);
    if (!event) continue;
    real += event.ms;
    at += Math.min(event.ms, IDLE_MAX_MS);
    events.push({ real, at, kind: event.kind, data: event.data });
  }
  return { size, began: typeof header.timestamp === "number" ? header.timestamp * 1_000 : null, events };
}

function read(line: string): { ms: number; kind: CastEvent["kind"]; data: string } | null {
  try {
    const [seconds, code, data] = JSON.parse(line) as unknown[];
    const kind = KINDS[String(code)];
    if (typeof seconds !== "number" || !(seconds >= 0) || typeof data !== "string" || !kind) return null;
    return { ms: seconds * 1_000, kind, data };
  } catch {
    return null;
  }
}

/** The size of an event `80x24`. */
export function sizeIn(data: string): Size | null {
  const [, cols, rows] = /^(\d{1,4})x(\d{1,4})$/.exec(data) ?? [];
  return sized(Number(cols), Number(rows));
}

const cells = (count: unknown): count is number =>
  typeof count === "number" && Number.isInteger(count) && count >= 1 && count <= SIZE_MAX;

const sized = (cols: unknown, rows: unknown): Size | null =>
  cells(cols) && cells(rows) ? { cols, rows } : null;
