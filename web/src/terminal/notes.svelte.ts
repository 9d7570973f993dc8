/** Messages in the line above the terminal: a passing note, and warnings until they are read. */

/** How long a note stays, in milliseconds. */
export const NOTE_MS = 6_000;
/** Most unread warnings; the oldest are dropped. */
export const WARNINGS_MAX = 3;

export class Notes {
  note = $state("");
  /** Such as a lost conversation. */
  warnings = $state.raw<readonly string[]>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    this.note = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.note = ""), NOTE_MS);
  }

  warn(text: string): void {
    this.warnings = [...this.warnings.filter((other) => other !== text), text].slice(-WARNINGS_MAX);
  }

  /** The user has read the warnings, or they are out of date. */
  read(): void {
    this.warnings = [];
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
