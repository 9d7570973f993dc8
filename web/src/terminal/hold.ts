/**
 * Holds input back while xterm.js draws a whole screen. The screen begins with a reset (RIS), and
 * xterm.js parses the screen in slices. Between two slices, xterm.js knows neither bracketed paste
 * nor the other modes of the program. A paste at that moment would go out without its brackets, and
 * its line ends would be keys.
 */

/** Most inputs that wait. A screen is drawn within a moment. */
export const HELD_MAX = 1_000;

export class Hold {
  #drawing = 0;
  #releasing = false;
  readonly #held: (() => void)[] = [];

  /** A screen begins. */
  begin(): void {
    this.#drawing += 1;
  }

  /** A screen is drawn: runs the held inputs in order. */
  end(): void {
    this.#drawing -= 1;
    if (this.#drawing > 0) return;
    this.#releasing = true;
    try {
      for (const act of this.#held.splice(0)) act();
    } finally {
      this.#releasing = false;
    }
  }

  /** Runs `act` when the modes are known; `false` if `HELD_MAX` inputs wait already. */
  whenKnown(act: () => void): boolean {
    return this.#drawing > 0 ? this.#keep(act) : this.#now(act);
  }

  /** Runs `act` now, or after the held inputs; `false` if `HELD_MAX` inputs wait already. */
  inOrder(act: () => void): boolean {
    return this.#held.length > 0 && !this.#releasing ? this.#keep(act) : this.#now(act);
  }

  #keep(act: () => void): boolean {
    if (this.#held.length >= HELD_MAX) return false;
    this.#held.push(act);
    return true;
  }

  #now(act: () => void): boolean {
    act();
    return true;
  }
}
