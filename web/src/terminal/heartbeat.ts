/**
 * Notices a silently dead connection: asks for a sign of life in silence, at once when
 * the machine wakes, and gives up without an answer.
 */

/** Silence before the question, in milliseconds. */
export const QUIET_MAX_MS = 20_000;
/** Time for the answer, in milliseconds. */
export const ANSWER_MS = 30_000;
/** Time for the answer when the machine or the network wakes, in milliseconds. */
export const WAKE_ANSWER_MS = 5_000;
/** Pause between two looks at the clock, in milliseconds. */
export const LOOK_MS = 5_000;
/** Lateness of a look, in milliseconds; after a later look the machine has slept. */
export const LATE_MS = 10_000;
/** A look as late as this, in milliseconds, may come before a received answer: it looks again then. */
export const BUSY_MS = 1_000;

export class Heartbeat {
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The time of the next look. */
  #due = 0;
  /** The time of the server's last message. */
  #heardAt = 0;
  /** The end of the time for an answer; `null` without a question. */
  #until: number | null = null;
  #runs = false;
  /** The answer has had more time, because the page was busy. */
  #again = false;
  readonly #ask: () => void;
  readonly #dead: () => void;

  /** `ask` sends the question; `dead` ends the connection. */
  constructor(ask: () => void, dead: () => void) {
    this.#ask = ask;
    this.#dead = dead;
  }

  /** The connection works now. */
  start(): void {
    this.#runs = true;
    this.heard();
    this.#lookLater();
  }

  stop(): void {
    this.#runs = false;
    clearTimeout(this.#timer);
  }

  /** The server sent something. */
  heard(): void {
    this.#heardAt = Date.now();
    this.#until = null;
    this.#again = false;
  }

  /** The machine or the network may have slept. */
  wake(): void {
    if (this.#runs) this.#askWithin(WAKE_ANSWER_MS);
  }

  #askWithin(ms: number): void {
    const until = Date.now() + ms;
    this.#until = Math.min(this.#until ?? until, until);
    this.#ask();
    this.#lookLater();
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    // Not later than the answer is due. Timers stand still in a sleep, the clock does not.
    const pause = this.#until === null ? LOOK_MS : Math.min(Math.max(this.#until - Date.now(), 0), LOOK_MS);
    this.#due = Date.now() + pause;
    this.#timer = setTimeout(() => this.#look(), pause);
  }

  #look(): void {
    const now = Date.now();
    const late = now - this.#due;
    if (this.#until !== null && now >= this.#until && late >= BUSY_MS && !this.#again) {
      this.#again = true;
      this.#until = now + BUSY_MS;
      this.#lookLater();
    } else if (this.#until !== null && now >= this.#until) {
      this.stop();
      this.#dead();
    } else if (now > this.#due + LATE_MS) this.wake();
    else if (this.#until === null && now - this.#heardAt >= QUIET_MAX_MS) this.#askWithin(ANSWER_MS);
    else this.#lookLater();
  }
}
