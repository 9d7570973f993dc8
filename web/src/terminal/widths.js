/**
 * The width of characters in columns: Unicode 16, with emoji sequences, flags and selectors as one
 * character of two columns. The screen engine counts with the same rules and the same table
 * (crates/wxcode-terminal/src/width.rs); the judge of the engine (judge/) runs this file, so it is
 * JavaScript.
 *
 * @typedef {0 | 1 | 2} Width
 * @typedef {{ readonly version: string, wcwidth(code: number): Width, charProperties(code: number, before: number): number }} Provider
 * @typedef {{ register(provider: Provider): void, activeVersion: string }} Unicode
 */
import { RANGES } from "./width-table.js";

/** The name of these widths in xterm.js. */
export const VERSION = "wxcode-16";

/** Classes of characters, as in width-table.js. */
const NARROW = 1;
const PICTOGRAPH = 3;
const WIDE_PICTOGRAPH = 4;
const REGIONAL = 5;
const JOINER = 6;
const EMOJI_SELECTOR = 7;
const KEYCAP = 8;
const MODIFIER = 9;
const KEYCAP_BASE = 10;
const PERSON = 11;
const WIDE_PERSON = 12;

/** The columns of each class. */
const COLUMNS = /** @type {const} */ ([0, 1, 2, 1, 2, 1, 0, 0, 0, 2, 1, 1, 2]);

/** The kinds of a character before the cursor: what may join it. */
const OTHER = 0;
const AFTER_KEYCAP_BASE = 1;
const AFTER_KEYCAP_SELECTOR = 2;
const AFTER_PICTOGRAPH = 3;
const AFTER_PERSON = 4;
const AFTER_JOINER = 5;
const AFTER_REGIONAL = 6;

/** The table covers characters below; the few ranges above are wide or marks. */
const TABLE = 0x2_0000;
const table = new Uint8Array(TABLE).fill(NARROW);
/** @type {[number, number, number][]} */
const above = [];
for (let at = 0; at + 2 < RANGES.length; at += 3) {
  const [first = 0, last = 0, kind = NARROW] = RANGES.slice(at, at + 3);
  if (first < TABLE) table.fill(kind, first, last + 1);
  if (last >= TABLE) above.push([first, last, kind]);
}

/** @param {number} code */
function classOf(code) {
  if (code < TABLE) return table[code] ?? NARROW;
  return above.find(([first, last]) => first <= code && code <= last)?.[2] ?? NARROW;
}

/**
 * @param {number} kind
 * @param {number} width
 * @param {boolean} joins
 */
const properties = (kind, width, joins) => (kind << 3) | (width << 1) | (joins ? 1 : 0);

/**
 * The properties of a character after `before`, the properties of the character before it.
 *
 * @param {number} code
 * @param {number} before
 */
function charProperties(code, before) {
  const own = classOf(code);
  const columns = COLUMNS[own] ?? 1;
  const width = (before >> 1) & 3;
  const kind = before >> 3;
  if (columns === 0) {
    if (width === 0) return properties(OTHER, 0, false);
    const isPictograph = kind === AFTER_PICTOGRAPH || kind === AFTER_PERSON;
    if (own === EMOJI_SELECTOR && isPictograph) return properties(AFTER_PICTOGRAPH, 2, true);
    if (own === EMOJI_SELECTOR && kind === AFTER_KEYCAP_BASE)
      return properties(AFTER_KEYCAP_SELECTOR, width, true);
    if (own === KEYCAP && kind === AFTER_KEYCAP_SELECTOR) return properties(OTHER, 2, true);
    if (own === JOINER && isPictograph) return properties(AFTER_JOINER, width, true);
    return properties(isPictograph || kind === AFTER_JOINER ? AFTER_PICTOGRAPH : OTHER, width, true);
  }
  switch (own) {
    case MODIFIER:
      if (kind === AFTER_PERSON) return properties(AFTER_PICTOGRAPH, 2, true);
      break;
    case REGIONAL:
      return kind === AFTER_REGIONAL
        ? properties(OTHER, 2, true)
        : properties(AFTER_REGIONAL, columns, false);
    case KEYCAP_BASE:
      return properties(AFTER_KEYCAP_BASE, columns, false);
    case PICTOGRAPH:
    case WIDE_PICTOGRAPH:
      if (kind === AFTER_JOINER) return properties(AFTER_PICTOGRAPH, 2, true);
      return properties(AFTER_PICTOGRAPH, columns, false);
    case PERSON:
    case WIDE_PERSON:
      if (kind === AFTER_JOINER) return properties(AFTER_PERSON, 2, true);
      return properties(AFTER_PERSON, columns, false);
  }
  return properties(OTHER, columns, false);
}

/** @type {Provider} */
const provider = {
  version: VERSION,
  wcwidth: (code) => COLUMNS[classOf(code)] ?? 1,
  charProperties,
};

/**
 * Makes xterm.js count with these widths. Needs its option `allowProposedApi`.
 *
 * @param {{ readonly unicode: Unicode }} terminal xterm.js, of the browser or headless
 */
export function countWidths(terminal) {
  terminal.unicode.register(provider);
  terminal.unicode.activeVersion = VERSION;
}
