// Cells of xterm.js, read so that they can be compared.
import xterm from "@xterm/headless";

/** The class of xterm.js's cells, which it does not export. */
export const Cell = new xterm.Terminal()._core.buffers.normal.getNullCell().constructor;

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
