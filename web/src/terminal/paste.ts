/**
 * Filters pasted text. The server (`typeable` in `wxcode-claude`) and `wxcode attach` follow the same rule;
 * `crates/wxcode-claude/pastes/cases.json` tests all three.
 */

/** The line ends of the agent's prompt. */
const LINE_ENDS = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
/** Control characters of C0 and C1, and DEL, but for tab and line feed. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * Removes control characters except tab, and makes each line end a `\n`. The result cannot end a bracketed
 * paste, and no key is in it.
 */
export const typeable = (text: string): string => text.replace(LINE_ENDS, "\n").replace(CONTROLS, "");

/** Whether `typeable` changes the text. */
export const hasControls = (text: string): boolean => typeable(text) !== text;

/** The types of input events for text from elsewhere than the keyboard. */
const INSERTED = /^insert(?:FromPaste|FromDrop|FromYank|ReplacementText)/;

/**
 * Calls `paste` for each text that enters `box` by clipboard (key, menu, middle button), drop, or insertion, and
 * hides the event from xterm.js: that does not filter the end of a bracketed paste. Returns a function that stops
 * the interception.
 */
export function interceptPastes(box: HTMLElement, paste: (text: string) => void): () => void {
  const take = (event: Event, text: string | null | undefined) => {
    event.preventDefault();
    event.stopPropagation();
    if (text) paste(text);
  };
  const textOf = (transfer: DataTransfer | null) => transfer?.getData("text/plain");
  const pasted = (event: ClipboardEvent) => take(event, textOf(event.clipboardData));
  const dropped = (event: DragEvent) => take(event, textOf(event.dataTransfer));
  const dragged = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes("text/plain")) event.preventDefault();
  };
  const inserted = (event: InputEvent) => {
    const text = event.data ?? textOf(event.dataTransfer);
    // A key never inserts control characters; the keyboard of a phone may.
    if (INSERTED.test(event.inputType) || (event.inputType === "insertText" && text && hasControls(text)))
      take(event, text);
  };
  // Capture runs before the listeners of xterm.js, which are on elements inside the box.
  const options = { capture: true };
  box.addEventListener("paste", pasted, options);
  box.addEventListener("drop", dropped, options);
  box.addEventListener("dragover", dragged, options);
  box.addEventListener("beforeinput", inserted, options);
  return () => {
    box.removeEventListener("paste", pasted, options);
    box.removeEventListener("drop", dropped, options);
    box.removeEventListener("dragover", dragged, options);
    box.removeEventListener("beforeinput", inserted, options);
  };
}
