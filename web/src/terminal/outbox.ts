/** What was typed and is not known to be in the session yet: numbered, bounded, sent again after coming back. */
import { unfinished } from "./character";
import { INPUT_MAX } from "./frame";
import { isTyping } from "./report";

/** Most bytes that may wait for the session's answer. */
export const WAITING_MAX = 16 << 20; // 16 MiB
/** What each input counts beside its own bytes, in bytes, so that small ones are bounded too. */
export const INPUT_COST = 64;

export interface Input {
  number: number;
  bytes: Uint8Array;
}

export class Outbox {
  readonly #waiting = new Map<number, Uint8Array>();
  #size = 0;
  /** The number of the newest input. */
  #last = 0;
  /** The largest number that the session said it has typed. */
  #taken = 0;

  get empty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Numbers what was typed, in messages of at most `max` bytes. `null`, and nothing kept, when too much waits already. */
  add(bytes: Uint8Array, max: number = INPUT_MAX): Input[] | null {
    const parts = cut(bytes, max);
    if (this.#size + bytes.length + parts.length * INPUT_COST > WAITING_MAX) return null;
    return parts.map((part) => {
      this.#last += 1;
      this.#waiting.set(this.#last, part);
      this.#size += part.length + INPUT_COST;
      return { number: this.#last, bytes: part };
    });
  }

  taken(number: number): void {
    this.#taken = Math.max(this.#taken, number);
    this.#forget(number);
  }

  /** Whether the user is to know: a report of the mouse is no loss. */
  refused(number: number): boolean {
    const bytes = this.#waiting.get(number);
    this.#forget(number);
    return bytes === undefined || isTyping(bytes);
  }

  /**
   * The session has this client's inputs up to `number`: gives the later ones, to be sent again, in order.
   * `null` when the session does not know this client any more: then nobody knows which of them were typed.
   */
  resume(number: number): Input[] | null {
    if (number < this.#taken) return null;
    this.#last = Math.max(this.#last, number);
    for (const waiting of this.#waiting.keys()) if (waiting <= number) this.#forget(waiting);
    return [...this.#waiting].map(([number, bytes]) => ({ number, bytes }));
  }

  /**
   * Begins anew in a session that has this client's inputs up to `number`. Gives how many typed bytes were waiting and
   * are dropped now.
   */
  begin(number: number): number {
    let dropped = 0;
    for (const bytes of this.#waiting.values()) if (isTyping(bytes)) dropped += bytes.length;
    this.#waiting.clear();
    this.#size = 0;
    this.#last = number;
    this.#taken = number;
    return dropped;
  }

  #forget(number: number): void {
    const bytes = this.#waiting.get(number);
    if (!bytes) return;
    this.#waiting.delete(number);
    this.#size -= bytes.length + INPUT_COST;
  }
}

/** Cuts between characters: the terminal's own replies may be typed between two messages. */
function cut(bytes: Uint8Array, max: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let start = 0;
  while (start < bytes.length) {
    const part = bytes.subarray(start, start + max);
    const more = start + part.length < bytes.length;
    const whole = more ? part.subarray(0, part.length - unfinished(part)) : part;
    parts.push(whole.length > 0 ? whole : part);
    start += parts.at(-1)?.length ?? max;
  }
  return parts;
}
