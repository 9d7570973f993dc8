/** Draws the session's output on a terminal, in order and whole. */
import { unfinished } from "./character";
import type { Size } from "./frame";

/** The used part of xterm.js; the browser's terminal and the headless terminal both have this part. */
export interface Canvas {
  write(data: string | Uint8Array, parsed?: () => void): void;
  resize(cols: number, rows: number): void;
}

/**
 * Ends an unfinished sequence (CAN), resets everything (RIS), and delays drawing until the next
 * write (2026).
 */
export const FRESH = "\x18\x1bc\x1b[?2026h";
const SHOW = "\x1b[?2026l";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class Painter {
  /**
   * The bytes of an incomplete character: xterm.js 6.0.0 loses some characters that arrive in
   * pieces.
   */
  #held: Uint8Array = new Uint8Array();
  readonly #canvas: Canvas;

  constructor(canvas: Canvas) {
    this.#canvas = canvas;
  }

  /**
   * Clears the terminal and draws a whole screen; calls `drawn` once the terminal has parsed it.
   */
  snapshot(size: Size, bytes: Uint8Array, drawn: () => void): void {
    const canvas = this.#canvas;
    canvas.write(FRESH, () => canvas.resize(size.cols, size.rows));
    const end = bytes.length - unfinished(bytes);
    this.#held = bytes.slice(end);
    // As one string, xterm.js parses it in one go at any length, so no half of it is visible. The
    // update shows from its beginning, because its end may be within a sequence or a program's own
    // update.
    canvas.write(SHOW + utf8.decode(bytes.subarray(0, end)), drawn);
  }

  /** Draws further output: at most 128 KiB, decoded by xterm.js in a single piece. */
  output(bytes: Uint8Array, drawn: () => void): void {
    const data = joined(this.#held, bytes);
    const end = data.length - unfinished(data);
    this.#held = data.slice(end);
    this.#canvas.write(data.subarray(0, end), drawn);
  }

  /** Resizes the terminal after all earlier output. */
  resized(size: Size, drawn: () => void): void {
    this.#canvas.write("", () => {
      this.#canvas.resize(size.cols, size.rows);
      drawn();
    });
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
