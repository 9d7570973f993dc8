/** Input on its way to the session: numbered, bounded, sent again after a reconnect. */
import { unfinished } from "./character";
import { isTyping } from "./report";

/** Most bytes without the session's acknowledgement. */
export const WAITING_MAX = 16 << 20; // 16 MiB
/** Most bytes of a message; many small messages follow each other without a gap. */
export const PART_MAX = 256 << 10; // 256 KiB
/**
 * Most bytes sent without acknowledgement: a quarter of the session's own queue, because input of
 * an earlier connection may wait there too.
 */
export const SENT_MAX = 1 << 20; // 1 MiB
/** The overhead of each input, in bytes, for a bound on small inputs too. */
export const INPUT_COST = 64;

export interface Input {
  number: number;
  bytes: Uint8Array;
}

export class Outbox {
  /** Sent without acknowledgement, by number. */
  readonly #sent = new Map<number, Uint8Array>();
  /** Not sent, because the session has no room. */
  readonly #queue: Uint8Array[] = [];
  /** Bytes sent without acknowledgement. */
  #underWay = 0;
  /** The cost of all input. */
  #size = 0;
  /** The number of the newest input. */
  #last = 0;
  /** The largest number acknowledged by the session. */
  #taken = 0;

  /**
   * Takes input, a message for each part. Returns false and takes nothing when too much waits already.
   */
  add(bytes: Uint8Array, max: number = PART_MAX): boolean {
    const parts = cut(bytes, max);
    if (this.#size + bytes.length + parts.length * INPUT_COST > WAITING_MAX) return false;
    this.#size += bytes.length + parts.length * INPUT_COST;
    // An interrupt does not wait for the rest of a paste.
    if (isInterrupt(bytes)) this.#queue.unshift(...parts);
    else this.#queue.push(...parts);
    return true;
  }

  /** The messages to send now, in order: an interrupt always, other input while the session has room. */
  next(): Input[] {
    let count = 0;
    for (const bytes of this.#queue) {
      if (this.#underWay + bytes.length > SENT_MAX && !isInterrupt(bytes)) break;
      this.#underWay += bytes.length;
      count += 1;
    }
    return this.#queue.splice(0, count).map((bytes) => {
      this.#last += 1;
      this.#sent.set(this.#last, bytes);
      return { number: this.#last, bytes };
    });
  }

  taken(number: number): void {
    this.#taken = Math.max(this.#taken, number);
    this.#forget(number);
  }

  /** Whether a loss of the input concerns the user: a report of the mouse does not. */
  refused(number: number): boolean {
    const bytes = this.#sent.get(number);
    this.#forget(number);
    return bytes === undefined || isTyping(bytes);
  }

  /**
   * The session has this client's inputs up to `number`: returns the later ones, to be sent again
   * in order. `null` if the session no longer knows this client, and so cannot say which inputs it
   * typed.
   */
  resume(number: number): Input[] | null {
    if (number < this.#taken) return null;
    this.#last = Math.max(this.#last, number);
    for (const sent of this.#sent.keys()) if (sent <= number) this.#forget(sent);
    return [...this.#sent].map(([number, bytes]) => ({ number, bytes }));
  }

  /**
   * Starts again in a session with this client's inputs up to `number`. Returns the number of
   * waiting bytes dropped.
   */
  begin(number: number): number {
    let dropped = 0;
    for (const bytes of [...this.#sent.values(), ...this.#queue])
      if (isTyping(bytes)) dropped += bytes.length;
    this.#sent.clear();
    this.#queue.length = 0;
    this.#underWay = 0;
    this.#size = 0;
    this.#last = number;
    this.#taken = number;
    return dropped;
  }

  #forget(number: number): void {
    const bytes = this.#sent.get(number);
    if (!bytes) return;
    this.#sent.delete(number);
    this.#underWay -= bytes.length;
    this.#size -= bytes.length + INPUT_COST;
  }
}

/** Ctrl+C alone, which overtakes other input in the session too. */
const isInterrupt = (bytes: Uint8Array): boolean => bytes.length === 1 && bytes[0] === 0x03;

/** Cuts between characters: the terminal's own replies may go between two messages. */
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
