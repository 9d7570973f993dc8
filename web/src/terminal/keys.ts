/** The keys of the on-screen row, as the bytes that a keyboard would send. */

export type Arrow = "up" | "down" | "left" | "right";
export type PlainKey = "escape" | "tab" | "backtab" | "interrupt" | "enter";
export type Key = PlainKey | Arrow;

const PLAIN: Record<PlainKey, string> = {
  escape: "\x1b",
  tab: "\t",
  backtab: "\x1b[Z",
  interrupt: "\x03",
  enter: "\r",
};
const ARROW: Record<Arrow, string> = { up: "A", down: "B", right: "C", left: "D" };

/** `applicationCursor` is DECCKM, which the running program sets. */
export function keyData(key: Key, applicationCursor: boolean): string {
  if (isArrow(key)) return `\x1b${applicationCursor ? "O" : "["}${ARROW[key]}`;
  return PLAIN[key];
}

const isArrow = (key: Key): key is Arrow => key in ARROW;

/** What the page does with a key press before the terminal sees it. */
export type KeyChoice =
  /** The terminal's business. */
  | { do: "type" }
  /** The browser's business: copying, pasting, leaving the terminal. */
  | { do: "leave" }
  /** Sent in place of what the terminal would send. */
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
    if (letter === "c" && hasSelection) return { do: "leave" };
  }
  return { do: "type" };
}
