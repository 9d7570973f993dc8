/** The keys of the whole page. */

export type Shortcut = "palette" | "help" | "search";

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** `typing`: the focus is in a field or in the terminal, which need the plain keys. */
export function shortcut(press: Press, typing: boolean): Shortcut | null {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = press;
  if (ctrlKey !== metaKey && !altKey && !shiftKey && key.toLowerCase() === "k") return "palette";
  if (typing || ctrlKey || metaKey || altKey || !singleKeys()) return null;
  if (key === "?") return "help";
  if (key === "/") return "search";
  return null;
}

const SINGLE_KEY = "wxcode.single_keys";

/** Keys without Ctrl or Cmd count; speech input may want them off. */
export const singleKeys = (): boolean =>
  typeof localStorage === "undefined" || localStorage.getItem(SINGLE_KEY) !== "no";

export const keepSingleKeys = (on: boolean): void => localStorage.setItem(SINGLE_KEY, on ? "yes" : "no");

/** Whether plain keys go into the focused element. */
export function isTyping(element: Element | null): boolean {
  if (!(element instanceof HTMLElement)) return false;
  if (element.isContentEditable || element.tagName === "TEXTAREA" || element.tagName === "SELECT")
    return true;
  return element instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(element.type);
}
