/** Colours, font and size of the terminal. */
import type { ITerminalOptions, ITheme } from "@xterm/xterm";

export const COLOUR_SETS = ["dark", "light", "contrast"] as const;
type Colours = ITheme & { cursor: string; selectionBackground: string };
export type ColourSet = (typeof COLOUR_SETS)[number];

/** The agent chooses its colours for a dark ground, unless its own theme says otherwise. */
const COLOURS: Readonly<Record<ColourSet, Colours>> = {
  dark: {
    background: "#14171a",
    foreground: "#d9dde1",
    cursor: "#5cc9bb",
    cursorAccent: "#14171a",
    selectionBackground: "#2f5f5a",
    black: "#2a2f35",
    red: "#f0776d",
    green: "#7cc98f",
    yellow: "#e2b567",
    blue: "#79a9f2",
    magenta: "#c795e8",
    cyan: "#62c5ba",
    white: "#cdd3d8",
    brightBlack: "#7d8790",
    brightRed: "#ff9a90",
    brightGreen: "#9ae0aa",
    brightYellow: "#f3cd8b",
    brightBlue: "#a0c4ff",
    brightMagenta: "#dcb5f5",
    brightCyan: "#8be0d6",
    brightWhite: "#f3f5f7",
  },
  light: {
    background: "#fbfaf8",
    foreground: "#1f2123",
    cursor: "#0f6b63",
    cursorAccent: "#fbfaf8",
    selectionBackground: "#b9dfda",
    black: "#1f2123",
    red: "#b3261e",
    green: "#1b7a3d",
    yellow: "#8a5a00",
    blue: "#2460b8",
    magenta: "#8b3fb0",
    cyan: "#0f6b73",
    white: "#6a6f74",
    brightBlack: "#5b5f63",
    brightRed: "#c5362d",
    brightGreen: "#2a7f47",
    brightYellow: "#96560a",
    brightBlue: "#2f6ccc",
    brightMagenta: "#9a4ec0",
    brightCyan: "#14747c",
    brightWhite: "#1f2123",
  },
  contrast: {
    background: "#000000",
    foreground: "#ffffff",
    cursor: "#ffff00",
    cursorAccent: "#000000",
    selectionBackground: "#005f87",
    black: "#000000",
    red: "#ff6b6b",
    green: "#5fff87",
    yellow: "#ffff5f",
    blue: "#87afff",
    magenta: "#ff87ff",
    cyan: "#5fffff",
    white: "#ffffff",
    brightBlack: "#bcbcbc",
    brightRed: "#ff8787",
    brightGreen: "#87ffaf",
    brightYellow: "#ffff87",
    brightBlue: "#afd7ff",
    brightMagenta: "#ffafff",
    brightCyan: "#afffff",
    brightWhite: "#ffffff",
  },
};
const COLOURS_KEY = "wxcode.terminal_colours";

export function keptColours(): ColourSet {
  const kept = localStorage.getItem(COLOURS_KEY);
  return COLOUR_SETS.find((set) => set === kept) ?? "dark";
}

export const terminalColours = (): Colours => COLOURS[keptColours()];

export function applyColours(set: ColourSet): void {
  document.documentElement.dataset.terminal = set;
}

export function keepColours(set: ColourSet): void {
  localStorage.setItem(COLOURS_KEY, set);
  applyColours(set);
}

/** Lines kept above the screen. */
const SCROLLBACK = 5_000;

export const FONT_MIN = 7;
export const FONT_MAX = 24;
const FONT_KEY = "wxcode.font_size";

/** The user's text size in this browser, else a size for the width, in CSS pixels. */
export function fontSize(): number {
  const kept = Number.parseInt(localStorage.getItem(FONT_KEY) ?? "", 10);
  if (kept >= FONT_MIN && kept <= FONT_MAX) return kept;
  return window.innerWidth < 600 ? 11 : 13;
}

export function keepFontSize(size: number): void {
  localStorage.setItem(FONT_KEY, String(size));
}

export function terminalOptions(): ITerminalOptions {
  return {
    // For the widths of characters.
    allowProposedApi: true,
    fontFamily:
      '"wxcode symbols", ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace',
    fontSize: fontSize(),
    scrollback: SCROLLBACK,
    cursorBlink: true,
    macOptionClickForcesSelection: true,
    theme: terminalColours(),
  };
}

/** Opens links in the program's output; only web pages. */
export function openLink(uri: string): void {
  if (/^https?:\/\//i.test(uri)) window.open(uri, "_blank", "noopener,noreferrer");
}
