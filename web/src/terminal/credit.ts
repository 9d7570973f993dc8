/** Decides when to acknowledge output: after drawing, often enough, and not for every key. */

/** Most drawn bytes without acknowledgement: a quarter of the server's credit. */
export const ACK_BYTES = 64 << 10; // 64 KiB

export class Credit {
  #acknowledged = 0;
  #drawn = 0;

  /** Everything up to `offset` needs no acknowledgement. */
  begin(offset: number): void {
    this.#acknowledged = offset;
    this.#drawn = offset;
  }

  /** The terminal has drawn everything up to `offset`; true when the acknowledgement is due now. */
  drawn(offset: number): boolean {
    this.#drawn = Math.max(this.#drawn, offset);
    return this.#drawn - this.#acknowledged >= ACK_BYTES;
  }

  /** The offset to acknowledge; `null` when the server knows the offset. */
  take(): number | null {
    if (this.#drawn === this.#acknowledged) return null;
    this.#acknowledged = this.#drawn;
    return this.#drawn;
  }
}
