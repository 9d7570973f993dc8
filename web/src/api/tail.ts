/** The newest part of a list in oldest-first order. */

export interface Part<T> {
  items: T[];
  total: number;
}

/** Remembers the end of a list, so that a single request usually reaches the end. */
export class Tail<T> {
  #skip = 0;
  readonly #limit: number;

  /** `limit`: most records of one response. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * The newest records, newest first. Asks at most twice: again only when the end moved out of
   * reach.
   */
  async read(ask: (skip: number, limit: number) => Promise<Part<T>>): Promise<Part<T>> {
    let part = await ask(this.#skip, this.#limit);
    const skip = Math.max(0, part.total - this.#limit);
    if (skip !== this.#skip) {
      this.#skip = skip;
      part = await ask(skip, this.#limit);
    }
    return { items: part.items.toReversed(), total: part.total };
  }
}
