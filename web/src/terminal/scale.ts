/** The size of the text with which a window shows a session that has another window's size. */
import type { Size } from "./frame";

/** Smallest text to which rows are scaled down, in CSS pixels; below it the terminal scrolls. */
const ROWS_MIN = 7;
/** Smallest text to which columns are scaled down, in CSS pixels: on a phone it shows 200 of them, to look at. */
export const SCALE_MIN = 3;
/** Text sizes are multiples of this, in CSS pixels. */
export const SCALE_STEP = 0.5;

/**
 * The text size at which a box that holds `room` at the size `own` holds `session`: never larger than `own`. All columns
 * are to be seen; rows only while they can be read.
 */
export function scaledFont(own: number, room: Size, session: Size): number {
  const columns = Math.max(SCALE_MIN, (own * room.cols) / session.cols);
  const rows = Math.max(Math.min(ROWS_MIN, own), (own * room.rows) / session.rows);
  const scaled = Math.floor(Math.min(columns, rows) / SCALE_STEP) * SCALE_STEP;
  return Math.min(own, scaled);
}
