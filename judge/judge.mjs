// The oracle: runs two streams in xterm.js and says where the terminals differ.
//
// One JSON object a line on standard input: {a, b, history, loose}, each of a and b being
// {cols, rows, scrollback, steps}, a step being {w: base64} (written),
// {r: [cols, rows]} (resized) or {trim: true} (see below).
// One JSON object a line on standard output: {diff: [text], replies: [a, b], threw: [a, b]}.
import readline from "node:readline";
import xterm from "@xterm/headless";

/** The class of xterm.js's cells, which it does not export. */
const Cell = new xterm.Terminal()._core.buffers.normal.getNullCell().constructor;

/** xterm.js decodes up to this many bytes at once; its decoder loses some characters that it gets in pieces. */
const PIECE = 60_000;

function run(program) {
  const { cols, rows, scrollback = 1000, steps } = program;
  const terminal = new xterm.Terminal({ cols, rows, scrollback, allowProposedApi: true, logLevel: "off", windowOptions: { getWinSizeChars: true } });
  const core = terminal._core;
  const colors = {};
  core._inputHandler.onColor((events) => {
    for (const { type, index, color } of events) {
      if (type === 1) colors[index] = color.join();
      if (type === 2 && index !== undefined) delete colors[index];
      if (type === 2 && index === undefined) for (const i of Object.keys(colors)) if (i < 256) delete colors[i];
    }
  });
  let replies = "";
  terminal.onData((data) => { replies += data; });
  let held = Buffer.alloc(0);
  let threw = null;
  try {
    for (const step of steps) {
      if (step.r && (step.r[0] !== terminal.cols || step.r[1] !== terminal.rows)) {
        terminal.resize(...step.r);
        // A listed difference: xterm.js lets a mark join whatever is before the cursor after a resize.
        core._inputHandler._parser.precedingJoinState = 0;
      }
      if (step.trim) trim(core);
      if (step.w === undefined) continue;
      const bytes = Buffer.concat([held, Buffer.from(step.w, "base64")]);
      let at = 0;
      while (at < bytes.length) {
        let end = Math.min(at + PIECE, bytes.length);
        end -= unfinished(bytes.subarray(at, end));
        if (end === at) break;
        core.writeSync(bytes.subarray(at, end));
        at = end;
      }
      held = bytes.subarray(at);
      // After rows were taken away, xterm.js gives the alternate screen a history, and loses rows of it
      // at the next resize.
      if (core.buffers.alt.ybase > 0) throw new Error("xterm.js has history on the alternate screen");
    }
  } catch (error) {
    threw = String(error);
  }
  return { terminal, core, colors, replies, threw, held };
}

/** Takes away what no stream can draw: columns right of the screen, and half a wide character at its edge. */
function trim(core) {
  const shown = core.buffers.active;
  const edge = shown.lines.get(shown.ybase + shown.y);
  // A wrap that is pending behind an empty cell: only the primary screen's can be brought about.
  const bare = !edge.hasContent(core.cols - 1) && edge.getWidth(core.cols - 1) === 1;
  const half = edge.getWidth(core.cols - 1) === 0 && !edge.hasContent(core.cols - 1);
  const { fg, bg, extended } = edge.loadCell(core.cols - 1 - (half ? 1 : 0), new Cell());
  const marked = (bg & 0x10000000) !== 0;
  const lined = (fg & 0x10000000) !== 0;
  // The same behind a cell whose flags a restored cursor tore from its underline.
  const torn = marked ? extended.isEmpty() || (!extended.urlId && lined !== (extended.underlineStyle !== 0)) : lined;
  if (shown === core.buffers.alt && shown.x >= core.cols && (bare || torn)) shown.x = core.cols - 1;
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

/** How many bytes at the end begin a character that is not complete. */
function unfinished(bytes) {
  for (let n = 1; n <= Math.min(3, bytes.length); n += 1) {
    const byte = bytes[bytes.length - n];
    if ((byte & 0xc0) === 0x80) continue;
    const length = (byte & 0xe0) === 0xc0 ? 2 : (byte & 0xf0) === 0xe0 ? 3 : (byte & 0xf8) === 0xf0 ? 4 : 1;
    return length > n ? n : 0;
  }
  return 0;
}

const color = (value) => {
  const mode = (value >>> 24) & 3;
  return mode === 0 ? 0 : mode === 3 ? value & 0x3ffffff : (mode << 24) | (value & 0xff);
};

function link(core, id) {
  if (!id) return null;
  const data = core._oscLinkService.getLinkData(id);
  return data ? `${data.id ?? ""};${data.uri}` : "lost";
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
    join: (handler._parser.precedingJoinState >> 1) & 3,
    held: [...held],
  };
}

function differ(a, b, path, out) {
  if (out.length >= 12 || a === b) return;
  if (path.endsWith(".link") && (a === "lost" || b === "lost")) return;
  if (a && b && typeof a === "object" && typeof b === "object") {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) differ(a[key], b[key], `${path}.${key}`, out);
    return;
  }
  out.push(`${path}: ${JSON.stringify(a)} in the stream, ${JSON.stringify(b)} in the dump`);
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { a, b, history = false } = JSON.parse(line);
  const results = [run(a), run(b)];
  const diff = [];
  if (!results[0].threw && !results[1].threw) differ(state(results[0], history), state(results[1], history), "", diff);
  process.stdout.write(`${JSON.stringify({ diff, replies: results.map((r) => r.replies), threw: results.map((r) => r.threw) })}\n`);
  for (const { terminal } of results) terminal.dispose();
}
