/**
 * Markdown as a tree of known pieces. HTML in it stays text: the page shows each piece by an element
 * of its own and never inserts markup.
 */

export type Inline =
  | { type: "text"; text: string }
  | { type: "code"; text: string }
  | { type: "strong" | "em" | "strike"; parts: Inline[] }
  | { type: "link"; href: string; parts: Inline[] }
  | { type: "break" };

export type MarkdownBlock =
  | { type: "paragraph"; parts: Inline[] }
  | { type: "heading"; level: number; parts: Inline[] }
  | { type: "code"; language: string; text: string }
  | { type: "quote"; blocks: MarkdownBlock[] }
  | { type: "list"; ordered: boolean; start: number; items: MarkdownBlock[][] }
  | { type: "table"; head: Inline[][]; rows: Inline[][][] }
  | { type: "rule" };

/** Deepest nesting of quotes and lists; deeper text stays plain. */
const DEPTH_MAX = 6;
/** Deepest nesting of emphasis. */
const INLINE_DEPTH_MAX = 4;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)(.*)$/;
const QUOTE = /^ {0,3}>\s?(.*)$/;
const TABLE_LINE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function markdown(text: string, depth = 0): MarkdownBlock[] {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  if (depth > DEPTH_MAX) return [{ type: "paragraph", parts: [{ type: "text", text }] }];
  const blocks: MarkdownBlock[] = [];
  let at = 0;
  const line = (): string => lines[at] ?? "";
  while (at < lines.length) {
    if (line().trim() === "") {
      at += 1;
      continue;
    }
    const fence = FENCE.exec(line());
    const heading = HEADING.exec(line());
    if (fence) {
      const [, mark = "", language = ""] = fence;
      const code: string[] = [];
      at += 1;
      while (at < lines.length && !closes(line(), mark)) {
        code.push(line());
        at += 1;
      }
      at += 1;
      blocks.push({ type: "code", language, text: code.join("\n") });
    } else if (heading) {
      blocks.push({ type: "heading", level: heading[1]?.length ?? 1, parts: inline(heading[2] ?? "") });
      at += 1;
    } else if (RULE.test(line())) {
      blocks.push({ type: "rule" });
      at += 1;
    } else if (QUOTE.test(line())) {
      const quoted: string[] = [];
      while (at < lines.length && QUOTE.test(line())) {
        quoted.push(QUOTE.exec(line())?.[1] ?? "");
        at += 1;
      }
      blocks.push({ type: "quote", blocks: markdown(quoted.join("\n"), depth + 1) });
    } else if (ITEM.test(line())) {
      at = list(lines, at, depth, blocks);
    } else if (
      line().includes("|") &&
      TABLE_LINE.test(lines[at + 1] ?? "") &&
      (lines[at + 1] ?? "").includes("-")
    ) {
      const head = cells(line());
      const rows: Inline[][][] = [];
      at += 2;
      while (at < lines.length && line().includes("|")) {
        rows.push(cells(line()));
        at += 1;
      }
      blocks.push({ type: "table", head, rows });
    } else {
      const words: string[] = [];
      while (at < lines.length && line().trim() !== "" && (words.length === 0 || !begins(line()))) {
        words.push(line().trimStart());
        at += 1;
      }
      blocks.push({ type: "paragraph", parts: inline(words.join("\n")) });
    }
  }
  return blocks;
}

const closes = (line: string, mark: string): boolean =>
  line.trim().startsWith(mark) && /^[`~]+$/.test(line.trim());

/** A line that ends a paragraph without an empty one. */
const begins = (line: string): boolean =>
  FENCE.test(line) || HEADING.test(line) || QUOTE.test(line) || RULE.test(line) || ITEM.test(line);

/** Reads a list, and returns the line after it. */
function list(lines: readonly string[], from: number, depth: number, blocks: MarkdownBlock[]): number {
  const first = ITEM.exec(lines[from] ?? "");
  const ordered = /\d/.test(first?.[2] ?? "");
  const items: string[][] = [];
  let indent = 0;
  let at = from;
  for (; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const item = ITEM.exec(line);
    const current = items.at(-1);
    if (item && /\d/.test(item[2] ?? "") === ordered && !RULE.test(line)) {
      indent = (item[1]?.length ?? 0) + (item[2]?.length ?? 1) + 1;
      items.push([item[4] ?? ""]);
    } else if (current && line.trim() === "") {
      const next = lines[at + 1] ?? "";
      if (!/^ {2,}\S/.test(next) && !ITEM.test(next)) break;
      current.push("");
    } else if (current && (/^ {2,}/.test(line) || !begins(line))) {
      current.push(line.slice(Math.min(indent, line.length - line.trimStart().length)));
    } else break;
  }
  blocks.push({
    type: "list",
    ordered,
    start: ordered ? Number.parseInt(first?.[2] ?? "1", 10) : 1,
    items: items.map((item) => markdown(item.join("\n"), depth + 1)),
  });
  return at;
}

function cells(line: string): Inline[][] {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
}

/** Code, links, bare addresses, emphasis, line ends; the first match of each place counts. */
const PIECES =
  /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\[([^[\]\n]{1,400})\]\(([^()\s]{1,2000})(?:\s+"[^"\n]*")?\)|(https?:\/\/[^\s<>"'`]{1,2000}[^\s<>"'`.,;:!?)\]])|(\*\*|__)(?=\S)([\s\S]*?\S)\6|(?<![\w*])([*_])(?=\S)([^*_\n]*?\S)\8(?![\w*])|~~(?=\S)([\s\S]*?\S)~~|\\([\\`*_{}[\]()#+.!|~<>-])|( {2,}\n)/;

export function inline(text: string, depth = 0): Inline[] {
  const parts: Inline[] = [];
  let rest = text;
  while (rest !== "") {
    const found = depth > INLINE_DEPTH_MAX ? null : PIECES.exec(rest);
    if (!found) break;
    if (found.index > 0) parts.push({ type: "text", text: rest.slice(0, found.index) });
    const [whole, , code, label, href, bare, , strong, , em, strike, escaped] = found;
    if (code !== undefined) parts.push({ type: "code", text: code });
    else if (label !== undefined && href !== undefined) parts.push(linkOf(label, href, depth));
    else if (bare !== undefined)
      parts.push({ type: "link", href: bare, parts: [{ type: "text", text: bare }] });
    else if (strong !== undefined) parts.push({ type: "strong", parts: inline(strong, depth + 1) });
    else if (em !== undefined) parts.push({ type: "em", parts: inline(em, depth + 1) });
    else if (strike !== undefined) parts.push({ type: "strike", parts: inline(strike, depth + 1) });
    else if (escaped !== undefined) parts.push({ type: "text", text: escaped });
    else parts.push({ type: "break" });
    rest = rest.slice(found.index + whole.length);
  }
  if (rest !== "") parts.push({ type: "text", text: rest });
  return parts;
}

/** Only web pages are links; anything else shows its address as text. */
function linkOf(label: string, href: string, depth: number): Inline {
  if (/^https?:\/\//i.test(href)) return { type: "link", href, parts: inline(label, depth + 1) };
  return { type: "text", text: href === label ? label : `${label} (${href})` };
}
