// The oracle: runs two streams in xterm.js and reports the differences of the terminals.
//
// One JSON object a line on standard input: {a, b, history}, each of a and b being {cols, rows,
// scrollback, windowOptions, steps}, a step being {w: base64} (written), {r: [cols, rows]}
// (resized) or {trim: true} (see below). Or {session, window, steps}, each of the first two being
// {cols, rows}: whether the window shows the session (see window.mjs). A step is one of the
// session's, {window: [cols, rows]}, or neither, with the window's paint after it: {…, p: base64}.
// One JSON object a line on standard output: {diff: [text], replies: [a, b], threw: [a, b]}.
import readline from "node:readline";
import xterm from "@xterm/headless";
import { boundCounts } from "../web/src/terminal/counts.js";
import { countWidths } from "../web/src/terminal/widths.js";
import { Cell, color, differ, link } from "./cell.mjs";
import { compareWindow } from "./window.mjs";

/**
 * xterm.js decodes up to this many bytes at once; its decoder loses some characters that arrive in
 * pieces.
 */
const PIECE = 60_000;

/** A terminal that reads a stream step by step. */
class Reader {
  constructor({ cols, rows, scrollback = 1000 }, windowOptions = { getWinSizeChars: true }) {
    this.terminal = new xterm.Terminal({ cols, rows, scrollback, allowProposedApi: true, logLevel: "off", windowOptions });
    this.core = this.terminal._core;
    boundCounts(this.terminal);
    countWidths(this.terminal);
    this.colors = {};
    this.core._inputHandler.onColor((events) => {
      for (const { type, index, color } of events) {
        if (type === 1) this.colors[index] = color.join();
        if (type === 2 && index !== undefined) delete this.colors[index];
        if (type === 2 && index === undefined) for (const i of Object.keys(this.colors)) if (i < 256) delete this.colors[i];
      }
    });
    this.replies = "";
    this.terminal.onData((data) => { this.replies += data; });
    this.held = Buffer.alloc(0);
    this.threw = null;
  }

  resize(cols, rows) {
    if (cols === this.terminal.cols && rows === this.terminal.rows) return;
    this.terminal.resize(cols, rows);
    // A listed difference: after a resize, xterm.js joins a mark to any character before the
    // cursor.
    this.core._inputHandler._parser.precedingJoinState = 0;
    // Another: a reflow leaves rows after the last one that also precede it, and an alignment
    // pattern with an origin fills them.
    const lines = this.core.buffers.normal.lines;
    for (let at = lines.length; at < lines.maxLength; at += 1) lines._array[lines._getCyclicIndex(at)] = undefined;
  }

  write(base64) {
    const bytes = Buffer.concat([this.held, Buffer.from(base64, "base64")]);
    let at = 0;
    while (at < bytes.length) {
      let end = Math.min(at + PIECE, bytes.length);
      end -= unfinished(bytes.subarray(at, end));
      if (end === at) break;
      this.core.writeSync(bytes.subarray(at, end));
      at = end;
    }
    this.held = bytes.subarray(at);
    // After a removal of rows, xterm.js gives the alternate screen a history, and loses rows of it
    // at the next resize.
    if (this.core.buffers.alt.ybase > 0) throw new Error("xterm.js has history on the alternate screen");
  }

  /** Takes one step; stores an exception of xterm.js and takes no further step. */
  take(step) {
    if (this.threw) return;
    try {
      if (step.r) this.resize(...step.r);
      if (step.trim) trim(this.core);
      if (step.w !== undefined) this.write(step.w);
    } catch (error) {
      this.threw = String(error);
    }
  }
}

function run(program) {
  const reader = new Reader(program, program.windowOptions);
  for (const step of program.steps) reader.take(step);
  return reader;
}

/**
 * Removes state that no stream can draw: columns right of the screen, and half a wide character at
 * its edge.
 */
function trim(core) {
  const shown = core.buffers.active;
  const edge = shown.lines.get(shown.ybase + shown.y);
  // A pending wrap after an empty cell: only possible on the primary screen.
  const bare = !edge.hasContent(core.cols - 1) && edge.getWidth(core.cols - 1) === 1;
  const half = edge.getWidth(core.cols - 1) === 0 && !edge.hasContent(core.cols - 1);
  const { fg, bg, extended } = edge.loadCell(core.cols - 1 - (half ? 1 : 0), new Cell());
  const marked = (bg & 0x10000000) !== 0;
  const lined = (fg & 0x10000000) !== 0;
  // The same after a cell whose flags a restored cursor separated from its underline.
  const torn = marked ? extended.isEmpty() || (!extended.urlId && lined !== (extended.underlineStyle !== 0)) : lined;
  const kept = mend(core, shown);
  // Redrawing the last character, so that marks join it, also makes the wrap pending.
  const again = core._inputHandler._parser.precedingJoinState !== 0;
  if (shown === core.buffers.alt && shown.x >= core.cols && (bare || torn || kept) && !again) shown.x = core.cols - 1;
  for (const buffer of [core.buffers.normal, core.buffers.alt]) {
    const empty = buffer.getNullCell();
    for (let y = 0; y < buffer.lines.length; y += 1) {
      const line = buffer.lines.get(y);
      const torn = (x) => !line.hasContent(x) && line.getWidth(x) === 1 && (line.getFg(x) !== 0 || (line.getBg(x) & 0xfc000000) !== 0);
      const last = core.cols - 1;
      if (line.length > core.cols) line.resize(core.cols, empty);
      for (let x = 0; x < core.cols; x += 1) {
        const next = x + 1 < core.cols && line.getWidth(x + 1) === 0 && !line.hasContent(x + 1);
        if (line.getWidth(x) === 2 && !next) line.setCell(x, empty);
        const half = line.getWidth(x) === 0 && !line.hasContent(x);
        if (half && (x === 0 || line.getWidth(x - 1) !== 2)) line.setCell(x, empty);
      }
      // Two halves with attributes at the end of the last row.
      if (y === buffer.lines.length - 1 && torn(last) && (last < 2 || torn(last - 1))) line.setCell(last, empty);
    }
  }
}

/**
 * Removes from pen and character set the state that only the other screen's saved cursor gives,
 * which a snapshot cannot restore. Returns whether the pen still needs restoring from one.
 */
function mend(core, shown) {
  const flag = 0x10000000;
  const pen = core._inputHandler._curAttrData;
  const sets = core._charsetService;
  const slots = shown === core.buffers.alt ? [core.buffers.alt] : [core.buffers.normal, core.buffers.alt];
  const line = (pen.extended._ext >>> 26) & 7;
  const marks = line !== 0 || pen.extended.urlId !== 0;
  const [underlined, marked] = [(pen.fg & flag) !== 0, (pen.bg & flag) !== 0];
  const isTorn = marked !== marks || underlined !== (line !== 0);
  const tears = ({ savedCurAttrData: { fg, bg } }) =>
    underlined === ((fg & flag) !== 0) && (marked === marks || marked === ((bg & flag) !== 0));
  const slot = isTorn ? slots.find(tears) : undefined;
  if (isTorn && !slot) {
    pen.fg = line !== 0 ? pen.fg | flag : pen.fg & ~flag;
    pen.bg = marks ? pen.bg | flag : pen.bg & ~flag;
    // The last character is not redrawn with another pen, so no mark joins it.
    core._inputHandler._parser.precedingJoinState = 0;
  }
  const designated = sets._charsets[sets.glevel];
  const kept = slot ?? slots.find(({ savedCharset }) => savedCharset === sets.charset);
  if (sets.charset !== designated && (!kept || kept.savedCharset !== sets.charset)) sets.charset = designated;
  return slot !== undefined;
}

/** The number of bytes of an incomplete character at the end. */
function unfinished(bytes) {
  for (let n = 1; n <= Math.min(3, bytes.length); n += 1) {
    const byte = bytes[bytes.length - n];
    if ((byte & 0xc0) === 0x80) continue;
    const length = (byte & 0xe0) === 0xc0 ? 2 : (byte & 0xf0) === 0xe0 ? 3 : (byte & 0xf8) === 0xf0 ? 4 : 1;
    return length > n ? n : 0;
  }
  return 0;
}

function cell(core, line, x) {
  const data = line.loadCell(x, new Cell());
  const extended = data.bg & 0x10000000 ? data.extended : null;
  return {
    text: data.getChars(),
    width: data.getWidth(),
    fg: color(data.fg),
    bg: color(data.bg),
    flags: [data.fg >>> 26, data.bg >>> 26].join(),
    underline: extended ? extended.underlineStyle : 0,
    underlineColor: extended ? color(extended.underlineColor) : 0,
    link: extended ? link(core, extended.urlId) : null,
  };
}

function attributes(core, data, whole) {
  const { fg, bg, extended } = data;
  const pen = { fg: color(fg), bg: color(bg), flags: [fg >>> 26, bg >>> 26].join() };
  if (whole) {
    pen.underline = (extended._ext >>> 26) & 7;
    pen.underlineColor = color(extended.underlineColor);
    pen.link = link(core, extended.urlId);
  }
  return pen;
}

function buffer(core, buffer, history, shown) {
  const { cols, rows } = core;
  const state = {
    region: [buffer.scrollTop, buffer.scrollBottom],
    tabs: Array.from({ length: cols }, (_, x) => (buffer.tabs[x] ? 1 : 0)).join(""),
    saved: {
      x: Math.min(buffer.savedX, cols - 1),
      y: Math.min(Math.max(buffer.savedY - buffer.ybase, 0), rows - 1),
      pen: attributes(core, buffer.savedCurAttrData, false),
      charset: buffer.savedCharset ? JSON.stringify(buffer.savedCharset) : "",
    },
    lines: [],
  };
  if (shown) state.cursor = [buffer.x, buffer.y];
  if (history) state.base = buffer.ybase;
  for (let y = history ? 0 : buffer.ybase; y < buffer.lines.length; y += 1) {
    const line = buffer.lines.get(y);
    const cells = [];
    for (let x = 0; x < cols; x += 1) cells.push(cell(core, line, x));
    state.lines.push({ wrapped: y === (history ? 0 : buffer.ybase) && rows === 1 ? false : line.isWrapped, cells });
  }
  return state;
}

function state(result, history) {
  const { core, colors, held } = result;
  const handler = core._inputHandler;
  const charsets = core._charsetService;
  const set = (charset) => (charset ? JSON.stringify(charset) : "");
  const alternate = core.buffers.active === core.buffers.alt;
  return {
    size: [core.cols, core.rows],
    normal: buffer(core, core.buffers.normal, history, !alternate),
    alternate: buffer(core, core.buffers.alt, false, alternate),
    onAlternate: alternate,
    pen: attributes(core, handler._curAttrData, true),
    modes: core.coreService.modes,
    decModes: core.coreService.decPrivateModes,
    hidden: core.coreService.isCursorHidden,
    mouse: [core.coreMouseService.activeProtocol, core.coreMouseService.activeEncoding],
    charsets: { level: charsets.glevel, active: set(charsets.charset), all: [0, 1, 2, 3].map((i) => set(charsets._charsets[i])) },
    options: [core.options.convertEol, core.options.cursorBlink],
    title: handler._windowTitle,
    colors,
    parser: handler._parser.currentState,
    join: handler._parser.precedingJoinState >> 1,
    held: [...held],
  };
}

function compare({ a, b, history = false }) {
  const results = [run(a), run(b)];
  const diff = [];
  if (!results[0].threw && !results[1].threw) differ(state(results[0], history), state(results[1], history), "", diff);
  return [results, diff];
}

/** Runs the steps of a session and of its window; stops at the first difference. */
function show({ session, window, steps }) {
  const there = new Reader(session);
  const here = new Reader({ ...window, scrollback: 0 }, { pushTitle: true, popTitle: true });
  const diff = [];
  for (const [at, step] of steps.entries()) {
    there.take(step);
    if (step.window) here.resize(...step.window);
    here.take({ w: step.p });
    if (there.threw || here.threw) break;
    diff.push(...compareWindow(there, here).map((text) => `step ${at}: ${text}`));
    if (diff.length > 0) break;
  }
  return [[there, here], diff];
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const [results, diff] = request.window ? show(request) : compare(request);
  process.stdout.write(`${JSON.stringify({ diff, replies: results.map((r) => r.replies), threw: results.map((r) => r.threw) })}\n`);
  for (const { terminal } of results) terminal.dispose();
}
