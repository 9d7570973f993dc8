/** Draws what the session sends on a terminal, in order and whole. */
import { unfinished } from "./character";
import type { Size } from "./frame";

/** The part of xterm.js that this needs; the browser's terminal and the headless one both have it. */
export interface Canvas {
  write(data: string | Uint8Array, parsed?: () => void): void;
  resize(cols: number, rows: number): void;
}

/** Ends a sequence that is unfinished (CAN), resets everything (RIS), and draws nothing until the next write (2026). */
export const FRESH = "\x18\x1bc\x1b[?2026h";
const SHOW = "\x1b[?2026l";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class Painter {
  /** The bytes of a character that is not complete: xterm.js 6.0.0 loses some that it gets in pieces. */
  #held: Uint8Array = new Uint8Array();
  readonly #canvas: Canvas;

  constructor(canvas: Canvas) {
    this.#canvas = canvas;
  }

  /** Empties the terminal and draws a whole screen; `drawn` is called when the terminal has taken it in. */
  snapshot(size: Size, bytes: Uint8Array, drawn: () => void): void {
    const canvas = this.#canvas;
    canvas.write(FRESH, () => canvas.resize(size.cols, size.rows));
    const end = bytes.length - unfinished(bytes);
    this.#held = bytes.slice(end);
    // As one string it is parsed in one go, whatever its length, so nobody sees half of it. The update is shown from its
    // beginning on, because at its end it may be in the middle of a sequence, or of an update of the program's own.
    canvas.write(SHOW + utf8.decode(bytes.subarray(0, end)), drawn);
  }

  /** Draws what comes next: at most the 128 KiB that xterm.js decodes at once. */
  output(bytes: Uint8Array, drawn: () => void): void {
    const data = joined(this.#held, bytes);
    const end = data.length - unfinished(data);
    this.#held = data.slice(end);
    this.#canvas.write(data.subarray(0, end), drawn);
  }

  /** Gives the terminal another size, behind what came before. */
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
