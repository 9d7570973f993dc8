/** When to ask for the session's history: after the screen is drawn, and not under the user's eyes. */

/** Quiet time before asking, in milliseconds: a window that is being dragged changes its size many times. */
export const QUIET_MS = 300;

export class History {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** It is to be asked for as soon as nobody minds. */
  #due = false;
  /** It was asked for and has not come yet. */
  #asked = false;
  readonly #ask: () => void;
  readonly #calm: () => boolean;

  /** `calm` says whether the terminal may be drawn anew; `ask` asks. */
  constructor(calm: () => boolean, ask: () => void) {
    this.#calm = calm;
    this.#ask = ask;
  }

  get asked(): boolean {
    return this.#asked;
  }

  /** A whole screen was drawn: with its history, if that was asked for. */
  drawn(): void {
    if (this.#asked) this.#asked = false;
    else this.stale();
  }

  /** The answer came at a bad time and was not drawn. */
  declined(): void {
    this.#asked = false;
    this.#due = true;
  }

  /** The history that the terminal holds is not the session's (any more). */
  stale(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#due = true;
      this.settled();
    }, QUIET_MS);
  }

  /** The user may have come back to the end, or let go of the selection. */
  settled(): void {
    if (!this.#due || !this.#calm()) return;
    this.#due = false;
    this.#asked = true;
    this.#ask();
  }

  /** The connection is another one: what was asked for on the earlier one will not come. */
  reconnected(): void {
    if (!this.#asked) return;
    this.#asked = false;
    this.stale();
  }

  /** Nothing is asked any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#due = false;
    this.#asked = false;
  }
}
