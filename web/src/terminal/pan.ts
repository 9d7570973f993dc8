/** A finger's way as lines to scroll, with inertia; a long press selects instead. */

/** A press of this length without movement begins a selection, in milliseconds. */
export const PRESS_MS = 450;
/** A finger that moved less than this, in CSS pixels, did not move. */
const STILL_PX = 8;
/** The speed's share that is left after a millisecond of inertia. */
const DRAG = 0.996;
/** Inertia ends below this speed, in CSS pixels a millisecond. */
const SPEED_MIN = 0.03;
/** A finger that rested this long before it left has no speed, in milliseconds. */
const REST_MS = 60;

export interface PanTarget {
  /** Scrolls by this way, in CSS pixels; positive shows what is below or to the right. */
  scroll(x: number, y: number): void;
  /** A long press, and where the finger goes then. */
  select(x: number, y: number, from: { x: number; y: number }): void;
  /** The press was none: a busy page heard too late that the finger moved. */
  unselect(): void;
}

interface Clock {
  now(): number;
  frame(step: (at: number) => void): number;
  cancel(frame: number): void;
  after(step: () => void, ms: number): ReturnType<typeof setTimeout>;
}

const BROWSER: Clock = {
  now: () => performance.now(),
  frame: (step) => requestAnimationFrame(step),
  cancel: (frame) => cancelAnimationFrame(frame),
  after: (step, ms) => setTimeout(step, ms),
};

interface Point {
  x: number;
  y: number;
}

/** A finger's place at a time of the browser's clock, in milliseconds; a busy page hears it later. */
export interface Touched extends Point {
  at: number;
}

export class Pan {
  readonly #target: PanTarget;
  readonly #clock: Clock;
  readonly #glides: () => boolean;
  #began: Touched | null = null;
  #last: Touched = { x: 0, y: 0, at: 0 };
  #speed = 0;
  #mode: "waiting" | "panning" | "selecting" = "waiting";
  #press: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;

  /** `glides`: whether the user wants motion. */
  constructor(target: PanTarget, glides: () => boolean, clock: Clock = BROWSER) {
    this.#target = target;
    this.#glides = glides;
    this.#clock = clock;
  }

  begin(touched: Touched): void {
    this.stop();
    this.#began = touched;
    this.#last = touched;
    this.#mode = "waiting";
    this.#press = this.#clock.after(() => {
      if (this.#mode !== "waiting" || !this.#began) return;
      this.#mode = "selecting";
      this.#target.select(this.#began.x, this.#began.y, this.#began);
    }, PRESS_MS);
  }

  /** Whether the movement was taken, so that the browser must not use it. */
  move(touched: Touched): boolean {
    const began = this.#began;
    if (!began) return false;
    const moved = Math.hypot(touched.x - began.x, touched.y - began.y) >= STILL_PX;
    if (this.#mode === "selecting" && moved && touched.at - began.at < PRESS_MS) {
      this.#mode = "panning";
      this.#target.unselect();
    }
    if (this.#mode === "selecting") {
      this.#target.select(touched.x, touched.y, began);
      return true;
    }
    if (this.#mode === "waiting") {
      if (!moved) return false;
      this.#mode = "panning";
      clearTimeout(this.#press);
    }
    const [x, y] = [this.#last.x - touched.x, this.#last.y - touched.y];
    const ms = Math.max(1, touched.at - this.#last.at);
    // The newest movement counts most.
    this.#speed = 0.7 * (y / ms) + 0.3 * this.#speed;
    this.#last = touched;
    this.#target.scroll(x, y);
    return true;
  }

  /** Whether the touch that ended at this time was more than a tap. */
  end(at: number): boolean {
    clearTimeout(this.#press);
    const mode = this.#mode;
    this.#began = null;
    if (mode === "panning" && this.#glides() && at - this.#last.at < REST_MS) this.#glide();
    return mode !== "waiting";
  }

  stop(): void {
    clearTimeout(this.#press);
    this.#clock.cancel(this.#frame);
    this.#began = null;
    this.#speed = 0;
  }

  #glide(): void {
    let before = this.#clock.now();
    const step = (): void => {
      const now = this.#clock.now();
      const ms = Math.max(0, now - before);
      before = now;
      this.#target.scroll(0, this.#speed * ms);
      this.#speed *= DRAG ** ms;
      if (Math.abs(this.#speed) > SPEED_MIN) this.#frame = this.#clock.frame(step);
    };
    this.#frame = this.#clock.frame(step);
  }
}

/** Whole lines of a way that comes in pieces; the rest stays for the next piece. */
export class Lines {
  #rest = 0;

  of(pixels: number, height: number): number {
    if (height <= 0) return 0;
    this.#rest += pixels / height;
    const whole = Math.trunc(this.#rest);
    this.#rest -= whole;
    return whole;
  }
}
