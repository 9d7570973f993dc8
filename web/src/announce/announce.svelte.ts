/**
 * Announcements for screen readers: a polite region for the whole page, and an assertive region
 * for the agent that waits for the user.
 */

/**
 * Pause between two messages, in milliseconds: of messages without a pause, a screen reader says
 * the last one only.
 */
const PAUSE_MS = 900;
/** Most messages that wait; the oldest are dropped. */
const WAITING_MAX = 5;

export class Announcer {
  polite = $state("");
  assertive = $state("");
  readonly #waiting: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Says a message after the earlier ones; an equal message in a row is not repeated. */
  say(text: string): void {
    const last = this.#waiting.at(-1) ?? this.polite;
    if (text === "" || text === last) return;
    this.#waiting.push(text);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    if (this.#timer === undefined) this.#next();
  }

  /** An agent waits for the user: this interrupts. An empty text takes the message back. */
  call(text: string): void {
    this.assertive = text;
  }

  #next(): void {
    const text = this.#waiting.shift();
    this.#timer = text === undefined ? undefined : setTimeout(() => this.#next(), PAUSE_MS);
    if (text !== undefined) this.polite = text;
  }
}

export const announcer = new Announcer();

/** Says a shown text to a screen reader. */
export const say = (text: string): void => announcer.say(text);
