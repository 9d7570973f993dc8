/** Tells when the server must hear how far the page is: after drawing, often enough, and not for every key. */

/** Most bytes that are drawn and not acknowledged: a quarter of the server's credit. */
export const ACK_BYTES = 64 << 10; // 64 KiB

export class Credit {
  #acknowledged = 0;
  #drawn = 0;

  /** All up to `offset` needs no acknowledgement any more. */
  begin(offset: number): void {
    this.#acknowledged = offset;
    this.#drawn = offset;
  }

  /** The terminal has drawn all up to `offset`; true when that is to be told now, not later. */
  drawn(offset: number): boolean {
    this.#drawn = Math.max(this.#drawn, offset);
    return this.#drawn - this.#acknowledged >= ACK_BYTES;
  }

  /** The offset to acknowledge, `null` when the server knows it already. */
  take(): number | null {
    if (this.#drawn === this.#acknowledged) return null;
    this.#acknowledged = this.#drawn;
    return this.#drawn;
  }
}
