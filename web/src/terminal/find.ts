/** Search in the terminal's scrollback. The addon comes with the first search. */
import type { Terminal } from "@xterm/xterm";

export interface Found {
  /** Which of them is shown, from 1; 0 without one. */
  at: number;
  count: number;
}

/** Most marked matches; with more, the count stops there. */
const MATCHES_MAX = 1_000;
const COLOURS = {
  matchBackground: "#54481f",
  activeMatchBackground: "#a07c1c",
  matchOverviewRuler: "#54481f",
  activeMatchColorOverviewRuler: "#a07c1c",
};

export class Finder {
  readonly #terminal: Terminal;
  readonly #found: (found: Found) => void;
  #addon: Promise<import("@xterm/addon-search").SearchAddon> | undefined;

  constructor(terminal: Terminal, found: (found: Found) => void) {
    this.#terminal = terminal;
    this.#found = found;
  }

  /** Shows the next match, or the one before; `typing` stays at a match that still fits. */
  async find(words: string, way: "next" | "previous" | "typing"): Promise<void> {
    const addon = await this.#load();
    if (words === "") {
      addon.clearDecorations();
      this.#found({ at: 0, count: 0 });
      return;
    }
    const options = { decorations: COLOURS, incremental: way === "typing" };
    // The newest output is at the end.
    if (way === "next") addon.findNext(words, options);
    else addon.findPrevious(words, options);
  }

  async end(): Promise<void> {
    (await this.#addon)?.clearDecorations();
  }

  #load(): Promise<import("@xterm/addon-search").SearchAddon> {
    this.#addon ??= import("@xterm/addon-search").then(({ SearchAddon }) => {
      const addon = new SearchAddon({ highlightLimit: MATCHES_MAX });
      this.#terminal.loadAddon(addon);
      addon.onDidChangeResults(({ resultIndex, resultCount }) =>
        this.#found({ at: resultIndex + 1, count: resultCount }),
      );
      return addon;
    });
    return this.#addon;
  }
}
