/** Tells what the user types from what the terminal only reports of focus and mouse. */

/** Focus (DEC 1004), and the mouse in the encodings of X10, DEC 1006 and 1016. */
const REPORTS = /^(?:\x1b\[[IO]|\x1b\[M[\s\S]{3}|\x1b\[<[\d;]*[Mm])*$/;
/** Reports are short: whatever is longer was typed or pasted. */
const LONGEST = 256;

/** Whether there is anything in an input but reports. */
export function isTyping(bytes: Uint8Array): boolean {
  return bytes.length > LONGEST || !REPORTS.test(String.fromCharCode(...bytes));
}
