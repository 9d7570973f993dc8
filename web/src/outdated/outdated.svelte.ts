/** Notices that the server has another page than this one, after an upgrade. */
import { ROOT } from "../api/base";

/** Shortest time between two looks, in milliseconds. */
export const LOOK_MS = 60_000;

/** The script in a page's HTML: its name changes with its content. */
export const scriptIn = (html: string): string | null =>
  /<script[^>]*\ssrc="([^"]*assets\/index-[^"]*)"/.exec(html)?.[1]?.split("/").at(-1) ?? null;

class Outdated {
  /** The server has a newer page. */
  now = $state(false);
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** Looks after a lost connection came back. */
  async look(): Promise<void> {
    const own = scriptIn(document.head.innerHTML);
    if (own === null || this.now || Date.now() < this.#lookedAt + LOOK_MS) return;
    this.#lookedAt = Date.now();
    const response = await fetch(ROOT, { cache: "no-store" }).catch(() => null);
    if (!response?.ok || response.redirected) return;
    const served = scriptIn(await response.text());
    this.now = served !== null && served !== own;
  }
}

export const outdated = new Outdated();
