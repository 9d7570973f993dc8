/** What was typed and is not known to be in the session yet: numbered, bounded, sent again after coming back. */
import { unfinished } from "./character";
import { isTyping } from "./report";

/** Most bytes that may wait for the session's answer. */
export const WAITING_MAX = 16 << 20; // 16 MiB
/** Most bytes of one message: many small ones follow each other without a gap. */
export const PART_MAX = 256 << 10; // 256 KiB
/**
 * Most bytes that are sent and not answered: a quarter of what the session lets wait, because those of an earlier
 * connection may wait there too.
 */
export const SENT_MAX = 1 << 20; // 1 MiB
/** What each input counts beside its own bytes, in bytes, so that small ones are bounded too. */
export const INPUT_COST = 64;

export interface Input {
  number: number;
  bytes: Uint8Array;
}

export class Outbox {
  /** Sent and not answered, by number. */
  readonly #sent = new Map<number, Uint8Array>();
  /** Not sent, because the session holds no more of what it has not typed. */
  readonly #queue: Uint8Array[] = [];
  /** Bytes of what is sent and not answered. */
  #underWay = 0;
  /** What all of it costs. */
  #size = 0;
  /** The number of the newest input. */
  #last = 0;
  /** The largest number that the session said it has typed. */
  #taken = 0;

  /** Takes what was typed, in parts that are one message each. False, and nothing taken, when too much waits already. */
  add(bytes: Uint8Array, max: number = PART_MAX): boolean {
    const parts = cut(bytes, max);
    if (this.#size + bytes.length + parts.length * INPUT_COST > WAITING_MAX) return false;
    this.#size += bytes.length + parts.length * INPUT_COST;
    // Who interrupts does not wait for the rest of a paste.
    if (isInterrupt(bytes)) this.#queue.unshift(...parts);
    else this.#queue.push(...parts);
    return true;
  }

  /** What can be sent now, in order: an interrupt always, all else while the session has room for it. */
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

  /** Whether the user is to know: a report of the mouse is no loss. */
  refused(number: number): boolean {
    const bytes = this.#sent.get(number);
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
    for (const sent of this.#sent.keys()) if (sent <= number) this.#forget(sent);
    return [...this.#sent].map(([number, bytes]) => ({ number, bytes }));
  }

  /**
   * Begins anew in a session that has this client's inputs up to `number`. Gives how many typed bytes were waiting and
   * are dropped now.
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

/** Ctrl+C alone, which the session lets overtake too. */
const isInterrupt = (bytes: Uint8Array): boolean => bytes.length === 1 && bytes[0] === 0x03;

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
