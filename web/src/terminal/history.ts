/**
 * Decides when to request the session's history: after the first screen, and never under the user's
 * eyes.
 */

/**
 * Quiet time before the request, in milliseconds: dragging a window's edge changes the size many times.
 */
export const QUIET_MS = 300;

export class History {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** To be requested at the next calm moment. */
  #due = false;
  /** Requested, not yet received. */
  #asked = false;
  readonly #ask: () => void;
  readonly #calm: () => boolean;

  /** `calm` says whether the terminal may be redrawn; `ask` sends the request. */
  constructor(calm: () => boolean, ask: () => void) {
    this.#calm = calm;
    this.#ask = ask;
  }

  get asked(): boolean {
    return this.#asked;
  }

  /** A whole screen was drawn, with its history if requested. */
  drawn(): void {
    if (this.#asked) this.#asked = false;
    else this.stale();
  }

  /** The history arrived at a bad moment and was not drawn. */
  declined(): void {
    this.#asked = false;
    this.#due = true;
  }

  /** The terminal's history is not, or no longer, the session's. */
  stale(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#due = true;
      this.settled();
    }, QUIET_MS);
  }

  /** The user may have returned to the end or cleared the selection. */
  settled(): void {
    if (!this.#due || !this.#calm()) return;
    this.#due = false;
    this.#asked = true;
    this.#ask();
  }

  /** A new connection: the earlier connection's response will not arrive. */
  reconnected(): void {
    if (!this.#asked) return;
    this.#asked = false;
    this.stale();
  }

  /** Stops all requests. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#due = false;
    this.#asked = false;
  }
}
