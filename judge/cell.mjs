// Cells of xterm.js, read so that they can be compared.
import xterm from "@xterm/headless";

/** The class of xterm.js's cells, which it does not export. */
export const Cell = new xterm.Terminal()._core.buffers.normal.getNullCell().constructor;

/** The class of its rows. */
const Line = new xterm.Terminal()._core.buffers.normal.lines.get(0).constructor;

// A listed difference: reflowing a line, xterm.js moves the text of combined characters beyond the
// cells that it moves. Here only the cells' own text moves.
const copyCells = Line.prototype.copyCellsFrom;
Line.prototype.copyCellsFrom = function (source, from, to, length, inReverse) {
  const moved = Object.entries(source._combined).filter(([at]) => at >= from && at < from + length);
  const kept = { ...this._combined };
  copyCells.call(this, source, from, to, length, inReverse);
  this._combined = kept;
  for (const [at, text] of moved) this._combined[at - from + to] = text;
};

export const color = (value) => {
  const mode = (value >>> 24) & 3;
  return mode === 0 ? 0 : mode === 3 ? value & 0x3ffffff : (mode << 24) | (value & 0xff);
};

export function link(core, id) {
  if (!id) return null;
  const data = core._oscLinkService.getLinkData(id);
  return data ? `${data.id ?? ""};${data.uri}` : "lost";
}

/** Gathers where two values differ, twelve places at most. */
export function differ(a, b, path, out) {
  if (out.length >= 12 || a === b) return;
  if (path.endsWith(".link") && (a === "lost" || b === "lost")) return;
  if (a && b && typeof a === "object" && typeof b === "object") {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) differ(a[key], b[key], `${path}.${key}`, out);
    return;
  }
  out.push(`${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`);
}
