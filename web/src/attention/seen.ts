/** Which projects some visible tab of this browser shows: nobody needs a notification of those. */

const NAME = "wxcode.seen";
/** A tab that said nothing for this long, in milliseconds, is taken for gone. */
const GONE_MS = 90_000;
/** Pause between two messages of a visible tab, in milliseconds. */
const TELL_MS = 30_000;

interface Told {
  tab: string;
  /** The shown project, `*` for all of them, `null` for a hidden tab. */
  shows: string | null;
}

export class Seen {
  readonly #channel = new BroadcastChannel(NAME);
  readonly #tab = String(Math.random());
  readonly #others = new Map<string, { shows: string; at: number }>();
  #shows: string | null = null;

  constructor() {
    this.#channel.addEventListener("message", ({ data }) => {
      const { tab, shows } = data as Told;
      if (shows === null) this.#others.delete(tab);
      else this.#others.set(tab, { shows, at: Date.now() });
    });
    document.addEventListener("visibilitychange", () => this.#tell());
    addEventListener("pagehide", () => this.#post(null));
    setInterval(() => {
      if (!document.hidden) this.#tell();
    }, TELL_MS);
  }

  /** The view of this tab: a project, or `*` for the list of all of them. */
  show(shows: string | null): void {
    this.#shows = shows;
    this.#tell();
  }

  sees(project: string): boolean {
    if (!document.hidden && matches(this.#shows, project)) return true;
    const since = Date.now() - GONE_MS;
    return [...this.#others.values()].some(({ shows, at }) => at > since && matches(shows, project));
  }

  #tell(): void {
    this.#post(document.hidden ? null : this.#shows);
  }

  #post(shows: string | null): void {
    this.#channel.postMessage({ tab: this.#tab, shows } satisfies Told);
  }
}

const matches = (shows: string | null, project: string): boolean => shows === "*" || shows === project;
