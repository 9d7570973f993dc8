/** Plays a recording on a terminal, from any moment of it. */
import type { Size } from "../terminal/frame";
import { type Cast, type CastEvent, sizeIn } from "./cast";

/** The used part of xterm.js. */
export interface Canvas {
  write(data: string, parsed?: () => void): void;
  reset(): void;
  resize(cols: number, rows: number): void;
}

/** Most characters of one write: a jump over a long recording does not block the page. */
const WRITE_MAX = 1 << 20; // 1 Mi

export class Player {
  readonly #cast: Cast;
  readonly #canvas: Canvas;
  readonly #sized: (size: Size) => void;
  /** Silences are played in their whole length. */
  #whole = false;
  /** The number of shown events. */
  #shown = 0;
  #position = 0;

  /** `sized` is called with each size of the session. */
  constructor(cast: Cast, canvas: Canvas, sized: (size: Size) => void) {
    this.#cast = cast;
    this.#canvas = canvas;
    this.#sized = sized;
    this.#fresh();
  }

  /** The shown moment, in milliseconds. */
  get position(): number {
    return this.#position;
  }

  get duration(): number {
    const last = this.#cast.events.at(-1);
    return last ? this.#time(last) : 0;
  }

  get over(): boolean {
    return this.#shown === this.#cast.events.length;
  }

  /** Whether silences keep their length; the shown moment stays the same. */
  keepSilences(whole: boolean): void {
    if (whole === this.#whole) return;
    const last = this.#cast.events[this.#shown - 1];
    const since = last ? this.#position - this.#time(last) : this.#position;
    this.#whole = whole;
    const next = this.#cast.events[this.#shown];
    const base = last ? this.#time(last) : 0;
    this.#position = Math.min(base + since, next ? this.#time(next) : this.duration);
  }

  /** Shows this moment. */
  seek(to: number): void {
    const wanted = Math.min(Math.max(to, 0), this.duration);
    if (wanted < this.#position) this.#fresh();
    this.#position = wanted;
    let output = "";
    const flush = () => {
      if (output !== "") this.#canvas.write(output);
      output = "";
    };
    for (;;) {
      const event = this.#cast.events[this.#shown];
      if (!event || this.#time(event) > wanted) break;
      this.#shown += 1;
      if (event.kind === "output") {
        output += event.data;
        if (output.length >= WRITE_MAX) flush();
      }
      if (event.kind === "size") {
        flush();
        this.#resize(sizeIn(event.data));
      }
    }
    flush();
  }

  #time = (event: CastEvent): number => (this.#whole ? event.real : event.at);

  #fresh(): void {
    this.#shown = 0;
    this.#position = 0;
    // The reset comes after the output that waits to be parsed.
    this.#canvas.write("", () => this.#canvas.reset());
    this.#resize(this.#cast.size);
  }

  #resize(size: Size | null): void {
    if (!size) return;
    this.#canvas.write("", () => {
      this.#canvas.resize(size.cols, size.rows);
      this.#sized(size);
    });
  }
}
