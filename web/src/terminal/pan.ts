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

export class Pan {
  readonly #target: PanTarget;
  readonly #clock: Clock;
  readonly #glides: () => boolean;
  #began: Point | null = null;
  #last: Point & { at: number } = { x: 0, y: 0, at: 0 };
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

  begin(at: Point): void {
    this.stop();
    this.#began = at;
    this.#last = { ...at, at: this.#clock.now() };
    this.#mode = "waiting";
    this.#press = this.#clock.after(() => {
      if (this.#mode !== "waiting" || !this.#began) return;
      this.#mode = "selecting";
      this.#target.select(this.#began.x, this.#began.y, this.#began);
    }, PRESS_MS);
  }

  /** Whether the movement was taken, so that the browser must not use it. */
  move(at: Point): boolean {
    const began = this.#began;
    if (!began) return false;
    if (this.#mode === "selecting") {
      this.#target.select(at.x, at.y, began);
      return true;
    }
    if (this.#mode === "waiting") {
      if (Math.hypot(at.x - began.x, at.y - began.y) < STILL_PX) return false;
      this.#mode = "panning";
      clearTimeout(this.#press);
    }
    const now = this.#clock.now();
    const [x, y] = [this.#last.x - at.x, this.#last.y - at.y];
    const ms = Math.max(1, now - this.#last.at);
    // The newest movement counts most.
    this.#speed = 0.7 * (y / ms) + 0.3 * this.#speed;
    this.#last = { ...at, at: now };
    this.#target.scroll(x, y);
    return true;
  }

  /** Whether the touch was more than a tap. */
  end(): boolean {
    clearTimeout(this.#press);
    const mode = this.#mode;
    this.#began = null;
    if (mode === "panning" && this.#glides() && this.#clock.now() - this.#last.at < REST_MS) this.#glide();
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
