/** The newest part of a list that the server gives oldest first. */

export interface Part<T> {
  items: T[];
  total: number;
}

/** Remembers where the end of a list is, so that one question is usually enough to see it. */
export class Tail<T> {
  #skip = 0;
  readonly #limit: number;

  /** `limit`: most records of one answer. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The newest records, newest first. Asks a second time when the end moved out of sight, and not a third time. */
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
