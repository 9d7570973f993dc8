/** A patch in git's form, as files, parts and numbered lines. */

export interface Line {
  kind: "same" | "added" | "removed" | "note";
  text: string;
  /** Its number in the file before and after. */
  before: number | null;
  after: number | null;
}

export interface Part {
  heading: string;
  lines: Line[];
}

export interface FilePatch {
  path: string;
  parts: Part[];
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/;

export function patchFiles(patch: string): FilePatch[] {
  const files: FilePatch[] = [];
  let file: FilePatch | null = null;
  let part: Part | null = null;
  let before = 0;
  let after = 0;
  for (const line of patch.split("\n")) {
    if (line.startsWith("diff --git ")) {
      file = { path: pathOf(line), parts: [] };
      part = null;
      files.push(file);
      continue;
    }
    if (!file) continue;
    const hunk = HUNK.exec(line);
    if (hunk) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      part = { heading: (hunk[3] ?? "").trim(), lines: [] };
      file.parts.push(part);
    } else if (!part) {
      if (line.startsWith("+++ ") && line !== "+++ /dev/null")
        file.path = unquoted(line.slice(4)).replace(/^b\//, "");
    } else if (line.startsWith("+")) {
      part.lines.push({ kind: "added", text: line.slice(1), before: null, after });
      after += 1;
    } else if (line.startsWith("-")) {
      part.lines.push({ kind: "removed", text: line.slice(1), before, after: null });
      before += 1;
    } else if (line.startsWith(" ")) {
      part.lines.push({ kind: "same", text: line.slice(1), before, after });
      before += 1;
      after += 1;
    } else if (line.startsWith("\\")) {
      part.lines.push({ kind: "note", text: line.slice(2), before: null, after: null });
    }
  }
  return files;
}

/** The path in `diff --git a/x b/x`, whose halves are the same but for a renamed file. */
function pathOf(line: string): string {
  const rest = line.slice("diff --git ".length);
  if (rest.startsWith('"')) return unquoted(rest.slice(rest.indexOf('" "') + 2)).replace(/^b\//, "");
  const half = rest.slice((rest.length + 1) / 2);
  return half.startsWith("b/") ? half.slice(2) : (rest.split(" b/").at(-1) ?? rest);
}

const SIGNS: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  '"': 34,
  "\\": 92,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
};

/** Git writes odd paths in quotes, with bytes in octal. */
export function unquoted(path: string): string {
  if (!path.startsWith('"') || !path.endsWith('"')) return path;
  const bytes: number[] = [];
  for (const [, octal, sign, plain] of path.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gsu)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else if (sign !== undefined) bytes.push(SIGNS[sign] ?? sign.charCodeAt(0));
    else bytes.push(...new TextEncoder().encode(plain));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** A comment on lines, as a prompt for the agent. */
export function remark(path: string, line: Line, comment: string): string {
  const number = line.after ?? line.before;
  const place = number === null ? path : `${path}:${number}`;
  return `${place}\n> ${line.text.trim()}\n${comment.trim()}`;
}
