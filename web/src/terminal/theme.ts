/** Colours, font and size of the terminal. */
import type { ITerminalOptions } from "@xterm/xterm";

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
    theme: {
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
  };
}

/** Opens links in the program's output; only web pages. */
export function openLink(uri: string): void {
  if (/^https?:\/\//i.test(uri)) window.open(uri, "_blank", "noopener,noreferrer");
}
