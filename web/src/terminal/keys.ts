/** Keys of the on-screen row, as the bytes of a keyboard. */

export type Arrow = "up" | "down" | "left" | "right";
export type PlainKey = "escape" | "tab" | "backtab" | "interrupt" | "enter" | "kill";
export type Key = PlainKey | Arrow;

const PLAIN: Record<PlainKey, string> = {
  escape: "\x1b",
  tab: "\t",
  backtab: "\x1b[Z",
  interrupt: "\x03",
  enter: "\r",
  kill: "\x0b",
};
const ARROW: Record<Arrow, string> = { up: "A", down: "B", right: "C", left: "D" };

/** `applicationCursor` is DECCKM, set by the running program. */
export function keyData(key: Key, applicationCursor: boolean): string {
  if (isArrow(key)) return `\x1b${applicationCursor ? "O" : "["}${ARROW[key]}`;
  return PLAIN[key];
}

const isArrow = (key: Key): key is Arrow => key in ARROW;

/** Decides about a key press before the terminal sees it. */
export type KeyChoice =
  /** For the terminal. */
  | { do: "type" }
  /** For the browser: copy, paste, leave the terminal. */
  | { do: "leave" }
  /** Copies the selection; the browser has another use for the key. */
  | { do: "copy" }
  /** Opens the search in the output. */
  | { do: "find" }
  /** Sent instead of the terminal's own bytes. */
  | { do: "send"; data: string };

type KeyPress = Pick<KeyboardEvent, "type" | "key" | "ctrlKey" | "shiftKey" | "altKey" | "metaKey">;

export function chooseKey(press: KeyPress, hasSelection: boolean): KeyChoice {
  const { key, ctrlKey, shiftKey, altKey, metaKey } = press;
  if (key === "F6") return { do: "leave" };
  // Meta+Enter is a new line in the agent's prompt; a plain CR would submit it.
  if (key === "Enter" && shiftKey && !ctrlKey && !altKey && !metaKey) return { do: "send", data: "\x1b\r" };
  if (ctrlKey && !altKey && !metaKey) {
    const letter = key.toLowerCase();
    if (letter === "v") return { do: "leave" };
    if (letter === "f" && shiftKey) return { do: "find" };
    if (letter === "c" && shiftKey) return { do: "copy" };
    if (letter === "c" && hasSelection) return { do: "leave" };
  }
  return { do: "type" };
}
