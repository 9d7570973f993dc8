// Compares a window with a session: cells, cursor, title and sending modes.
import { Cell, color, differ, link } from "./cell.mjs";

/** The content outside the session's screen in a larger window. */
const FILLER = { text: "·", width: 1, fg: 0, bg: 0, flags: [0, 2], underline: 0, underlineColor: 0, link: null };

/**
 * Bits of xterm.js's fg and bg for a cell's look; protection and "extended" are read separately.
 */
const FG_LOOK = 0xfc000000 & ~0x10000000;
const BG_LOOK = 0x0c000000 | 0x40000000;

/** A cell's look in a view of the columns from..to of its row. */
function look(core, line, x, from, to) {
  const data = line.loadCell(x, new Cell());
  const half = (at) => at >= from && at < to && line.getWidth(at) === 0 && !line.hasContent(at);
  const width = data.getWidth();
  const second = half(x) && x > from && line.getWidth(x - 1) === 2;
  if (second) return { text: "", width: 0 };
  // Half of a wide character, or a mark without a base: a blank on its background.
  if (width === 0 || (width === 2 && !half(x + 1))) {
    return { text: " ", width: 1, fg: 0, bg: color(data.bg), flags: [0, 0], underline: 0, underlineColor: 0, link: null };
  }
  const extended = data.bg & 0x10000000 ? data.extended : null;
  const address = extended ? link(core, extended.urlId) : null;
  const single = data.fg & 0x10000000 ? 1 : 0;
  const underline = address || !extended ? single : extended.underlineStyle || single;
  return {
    text: data.getChars() || " ",
    width,
    fg: color(data.fg),
    bg: color(data.bg),
    flags: [(data.fg & FG_LOOK) >>> 26, (data.bg & BG_LOOK) >>> 26],
    underline,
    underlineColor: extended && (underline || address) ? color(extended.underlineColor) : 0,
    link: address,
  };
}

/**
 * The part of a session's screen in a window of cols × rows from its column `left` and row `top`
 * on.
 */
function part(core, left, top, cols, rows) {
  const buffer = core.buffers.active;
  return Array.from({ length: rows }, (_, y) => Array.from({ length: cols }, (_, x) => {
    if (left + x >= core.cols || top + y >= core.rows) return FILLER;
    return look(core, buffer.lines.get(buffer.ybase + top + y), left + x, left, Math.min(core.cols, left + cols));
  }));
}

/** The terminal's input modes, and its cursor's look. */
function manners({ core }, mouse) {
  const modes = core.coreService.decPrivateModes;
  const off = !mouse;
  return {
    cursorKeys: modes.applicationCursorKeys,
    keypad: modes.applicationKeypad,
    paste: modes.bracketedPasteMode,
    focus: modes.sendFocus,
    mouse: off ? ["NONE", "DEFAULT"] : [core.coreMouseService.activeProtocol, core.coreMouseService.activeEncoding],
    hidden: core.coreService.isCursorHidden,
    shape: modes.cursorStyle ?? "block",
    // The view leaves controls out of a title.
    title: core._inputHandler._windowTitle.replace(/\p{Cc}/gu, ""),
  };
}

/** The modes of a window that the view sets independently of the session. */
function quiet({ core, held }) {
  const modes = core.coreService.decPrivateModes;
  const { scrollTop, scrollBottom } = core.buffers.active;
  return {
    alternate: core.buffers.active === core.buffers.alt,
    wrap: modes.wraparound,
    origin: modes.origin,
    synchronized: modes.synchronizedOutput,
    insert: core.coreService.modes.insertMode,
    region: [scrollTop, scrollBottom],
    held: held.length,
  };
}

/**
 * The possible offsets of a window onto a screen with its cursor: nearest to the start in columns,
 * any in rows.
 */
function offsets(cursor, screen, window, anyFitting) {
  const last = Math.max(0, screen - window);
  const all = Array.from({ length: last + 1 }, (_, at) => at).filter((at) => cursor >= at && cursor < at + window);
  return !anyFitting && all.includes(0) ? [0] : all;
}

/**
 * The differences between the window and the session's screen; empty if one of the crops with the
 * cursor matches.
 */
export function compareWindow(session, window) {
  const { core } = session;
  const { cols, rows } = window.core;
  const fixed = [];
  differ({ alternate: true, wrap: false, origin: false, synchronized: false, insert: false, region: [0, rows - 1], held: 0 }, quiet(window), "window", fixed);
  const shown = window.core.buffers.active;
  const own = { cells: part(window.core, 0, 0, cols, rows), cursor: [shown.x, shown.y] };
  const buffer = core.buffers.active;
  const x = Math.min(buffer.x, core.cols - 1);
  let least = null;
  for (const left of offsets(x, core.cols, cols, false)) {
    for (const top of offsets(buffer.y, core.rows, rows, true)) {
      const diff = [...fixed];
      const wanted = { cells: part(core, left, top, cols, rows), cursor: [x - left, buffer.y - top] };
      differ(manners(session, left === 0 && top === 0), manners(window, true), `from ${left},${top}`, diff);
      differ(wanted, own, `from ${left},${top}`, diff);
      if (diff.length === 0) return [];
      if (!least || diff.length < least.length) least = diff;
    }
  }
  return least ?? ["no crop shows the cursor"];
}
