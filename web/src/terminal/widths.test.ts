import { Terminal } from "@xterm/headless";
import { describe, expect, it } from "vitest";
import { countWidths } from "./widths.js";

/** Text and its columns, by Claude Code's count. */
const WIDTHS: [string, string, number][] = [
  ["emoji", "🎉🎉🎉🎉🎉", 10],
  ["a symbol", "❤", 1],
  ["a symbol as emoji", "❤\ufe0f", 2],
  ["an emoji as text", "⌚\ufe0e", 2],
  ["a family", "👨\u200d👩\u200d👧", 2],
  ["a joined symbol", "❤\ufe0f\u200d🔥", 2],
  ["a flag", "🇧🇷", 2],
  ["half a flag", "🇧", 1],
  ["a flag and a half", "🇧🇷🇧", 3],
  ["a flag of tags", "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}", 2],
  ["a keycap", "1\ufe0f\u20e3", 2],
  ["a digit with a selector", "1\ufe0f", 1],
  ["a skin", "👋🏽", 2],
  ["a narrow person with a skin", "⛹🏽", 2],
  ["a skin without a person", "a🏽", 3],
  ["a letter with marks", "e\u0301\u0308", 1],
  ["a joiner between letters", "a\u200db", 2],
  ["Hangul in parts", "\u1112\u1161\u11ab", 2],
  ["Devanagari", "क्षि", 3],
  ["Thai", "ก็", 1],
  ["an ideograph with a selector", "漢\u{e0100}", 2],
  ["an emoji of Unicode 16", "\u{1fae9}", 2],
  ["ambiguous characters", "…○─█", 4],
];

const columns = (text: string): Promise<number> =>
  new Promise((done) => {
    const term = new Terminal({ allowProposedApi: true, cols: 40, rows: 3 });
    countWidths(term);
    term.write(text, () => done(term.buffer.active.cursorX));
  });

describe("widths", () => {
  it.each(WIDTHS)("count %s", async (_, text, width) => {
    expect(await columns(text)).toBe(width);

    expect(await columns(`${text}|`)).toBe(width + 1);
  });

  it("move a character that becomes wide at the edge to the next row", async () => {
    const term = new Terminal({ allowProposedApi: true, cols: 4, rows: 3 });
    countWidths(term);
    await new Promise<void>((done) => term.write("abc❤", done));
    await new Promise<void>((done) => term.write("\ufe0fd", done));
    const { active } = term.buffer;
    expect(active.getLine(0)?.translateToString(true)).toBe("abc");
    expect(active.getLine(1)?.translateToString(true)).toBe("❤\ufe0fd");
    expect([active.cursorX, active.cursorY]).toEqual([3, 1]);
  });
});
