/** The text size for a session with another window's size. */
import type { Size } from "./frame";

/** Smallest text for fitting rows, in CSS pixels; below this size the terminal scrolls. */
const ROWS_MIN = 7;
/** Smallest text for fitting columns, in CSS pixels: a phone then shows 200 columns. */
export const SCALE_MIN = 3;
/** Text sizes are multiples of this, in CSS pixels. */
export const SCALE_STEP = 0.5;

/**
 * The text size at which `session` fits a box that holds `room` at the size `own`; never larger
 * than `own`. All columns must fit; rows only while they are readable.
 */
export function scaledFont(own: number, room: Size, session: Size): number {
  const columns = Math.max(SCALE_MIN, (own * room.cols) / session.cols);
  const rows = Math.max(Math.min(ROWS_MIN, own), (own * room.rows) / session.rows);
  const scaled = Math.floor(Math.min(columns, rows) / SCALE_STEP) * SCALE_STEP;
  return Math.min(own, scaled);
}
