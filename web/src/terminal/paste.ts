/**
 * Text on its way into the terminal as a paste. The rule is the server's for deliveries (`typeable` in
 * `wxcode-claude`) and that of `wxcode attach`; `crates/wxcode-claude/pastes/cases.json` keeps the three in step.
 */

/** What the agent's prompt shows as line ends. */
const LINE_ENDS = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
/** Control characters of C0 and C1, and DEL, but for tab and line feed. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * The text without control characters but tab, and with `\n` as its line end: nothing in it can end a bracketed
 * paste or be taken for a key.
 */
export const typeable = (text: string): string => text.replace(LINE_ENDS, "\n").replace(CONTROLS, "");

/** Whether `typeable` takes something away, or changes it. */
export const hasControls = (text: string): boolean => typeable(text) !== text;

/** What the browser says about how text came into a field. */
const INSERTED = /^insert(?:FromPaste|FromDrop|FromYank|ReplacementText)/;

/**
 * Takes every text that comes into `box` otherwise than by keys away from xterm.js, which would hand on what ends a
 * paste: the clipboard by key, menu or middle button, what is dropped, and what a phone's keyboard inserts. The
 * result ends it.
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
    // A key inserts one character at a time, and none of control.
    if (INSERTED.test(event.inputType) || (event.inputType === "insertText" && text && hasControls(text)))
      take(event, text);
  };
  // Before xterm.js, whose own listeners are on elements within the box.
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
