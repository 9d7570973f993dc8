/** Separates typed input from reports of focus and mouse. */

/** Focus (DEC 1004), and the mouse in the encodings of X10, DEC 1006 and 1016. */
const REPORTS = /^(?:\x1b\[[IO]|\x1b\[M[\s\S]{3}|\x1b\[<[\d;]*[Mm])*$/;
/** Reports are short; longer input was typed or pasted. */
const LONGEST = 256;

/** Whether an input contains more than reports. */
export function isTyping(bytes: Uint8Array): boolean {
  return bytes.length > LONGEST || !REPORTS.test(String.fromCharCode(...bytes));
}
