/** The agent's writes to the clipboard (OSC 52). A request to read the clipboard gets nothing. */
import type { IDisposable, IParser } from "@xterm/xterm";

/** Longest text of a copy, in bytes. */
export const COPY_MAX = 1 << 20; // 1 MiB
/** The text's length in Base64, and some more for spaces. */
const ENCODED_MAX = Math.ceil(COPY_MAX / 3) * 4 + 16;

export type Copied = { text: string } | "too_large";

/**
 * Reads the data of an OSC 52: selections, `;`, Base64. `null` for a request to read, for an empty
 * text, which would clear the clipboard, and for another selection than the clipboard's.
 */
export function copied(data: string): Copied | null {
  const at = data.indexOf(";");
  const [selections, encoded] = [data.slice(0, at), data.slice(at + 1).trim()];
  // Without a selection the clipboard is meant. A page has no primary selection.
  if (at < 0 || !/^[cpqs0-7]{0,16}$/.test(selections) || !/^$|[cs]/.test(selections)) return null;
  if (encoded.length > ENCODED_MAX) return "too_large";
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(encoded), (unit) => unit.charCodeAt(0));
  } catch {
    return null;
  }
  if (bytes.length > COPY_MAX) return "too_large";
  return { text: new TextDecoder().decode(bytes) };
}

/** Calls `copy` for each write in the output of `terminal`. */
export function onCopy(terminal: { parser: IParser }, copy: (copied: Copied) => void): IDisposable {
  return terminal.parser.registerOscHandler(52, (data) => {
    const found = copied(data);
    if (found) copy(found);
    return true;
  });
}

const CONSENT_KEY = "wxcode.copies.";

/** Whether the user lets the agent of this project copy; `null` before the first question. */
export function consent(projectId: string): boolean | null {
  if (localStorage.getItem(CONSENT_KEY + projectId) !== null) return true;
  return sessionStorage.getItem(CONSENT_KEY + projectId) === null ? null : false;
}

/** Keeps a consent in this browser, and a refusal in this tab. */
export function keepConsent(projectId: string, given: boolean): void {
  (given ? localStorage : sessionStorage).setItem(CONSENT_KEY + projectId, given ? "yes" : "no");
}

/**
 * Writes to the browser's clipboard; false when the browser wants a click of the user first, or the
 * page to be in front.
 */
export async function writeClipboard(text: string, clicked: boolean): Promise<boolean> {
  try {
    // Only a secure page has this function; a page at a plain address of another machine is not secure.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return clicked && copyBySelection(text);
  }
}

/** The older way: within a click, on any page. */
function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.style.position = "fixed";
  box.style.opacity = "0";
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}
