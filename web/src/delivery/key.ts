/** The idempotency key of a command. */

/** 128 random bits in hex. Works on plain http too, where `crypto.randomUUID` does not exist. */
export function newKey(
  random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes),
): string {
  return Array.from(random(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Keeps the key while the same text is tried, so a lost response cannot send the text twice. */
export class PendingKey {
  #text = "";
  #key = "";

  keyFor(text: string): string {
    if (this.#key === "" || text !== this.#text) {
      this.#text = text;
      this.#key = newKey();
    }
    return this.#key;
  }

  /** The server has the command: the same text again is a new command. */
  taken(): void {
    this.#key = "";
  }
}
