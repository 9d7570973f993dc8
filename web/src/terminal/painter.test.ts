import { Terminal } from "@xterm/headless";
import { describe, expect, it } from "vitest";
import { Painter } from "./painter";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Characters of two, three and four bytes, some with 0x80 as second or third byte. */
const TEXT = "à─é … 🙂 \u2000\u{10000}日本 ①—😀 Ā\u0300x";

function setup(size = { cols: 80, rows: 5 }) {
  const term = new Terminal({ allowProposedApi: true, scrollback: 1000, ...size });
  return { term, painter: new Painter(term) };
}

const drawn = (act: (done: () => void) => void): Promise<void> => new Promise(act);
const line = (term: Terminal, y: number): string | undefined =>
  term.buffer.active.getLine(y)?.translateToString(true);

describe("a painter", () => {
  it("is needed: a terminal loses characters that it gets in pieces", async () => {
    const { term } = setup();
    for (const byte of utf8(TEXT)) await drawn((done) => term.write(Uint8Array.of(byte), done));
    expect(line(term, 0)).not.toBe(TEXT);
  });

  it("draws text that is cut anywhere", async () => {
    const whole = utf8(TEXT);
    for (let first = 0; first <= whole.length; first += 1) {
      for (let second = first; second <= Math.min(first + 4, whole.length); second += 1) {
        const { term, painter } = setup();
        painter.output(whole.subarray(0, first), () => {});
        painter.output(whole.subarray(first, second), () => {});
        await drawn((done) => painter.output(whole.subarray(second), done));
        expect(line(term, 0), `${first}, ${second}`).toBe(TEXT);
        term.dispose();
      }
    }
  });

  it("draws a snapshot of any length on an empty terminal of its size", async () => {
    const { term, painter } = setup();
    painter.output(utf8("\x1b[?1049h\x1b[5;5Hold \x1b]0;unfini"), () => {});
    // After 128 KiB, where xterm.js starts decoding again, at every position within a character.
    const rows = Array.from({ length: 9000 }, (_, n) => `${n} ${"─".repeat(20)}`);
    for (let shift = 0; shift < 3; shift += 1) {
      const text = `${"x".repeat(shift)}\r\n${rows.join("\r\n")}`;
      await drawn((done) => painter.snapshot({ cols: 40, rows: 10 }, utf8(text), done));
      expect([term.cols, term.rows]).toEqual([40, 10]);
      const { active } = term.buffer;
      expect(active.type).toBe("normal");
      for (let back = 1; back <= 1000; back += 1) {
        expect(line(term, active.length - back)).toBe(rows[rows.length - back]);
      }
    }
  });

  it("goes on behind a snapshot that ends in a character or in a sequence", async () => {
    const { term, painter } = setup();
    const whole = utf8("a…b");
    painter.snapshot({ cols: 80, rows: 5 }, whole.subarray(0, 3), () => {});
    painter.output(whole.subarray(3), () => {});
    painter.snapshot({ cols: 80, rows: 5 }, utf8("c\x1b[3"), () => {});
    await drawn((done) => painter.output(utf8("1md"), done));
    expect(line(term, 0)).toBe("cd");
    expect(term.buffer.active.getLine(0)?.getCell(1)?.getFgColor()).toBe(1);
    painter.snapshot({ cols: 80, rows: 5 }, whole.subarray(0, 2), () => {});
    await drawn((done) => painter.output(whole.subarray(2), done));
    expect(line(term, 0)).toBe("a…b");
  });

  it("forgets half a character of the screen that a snapshot replaces", async () => {
    const { term, painter } = setup();
    painter.output(utf8("…").subarray(0, 2), () => {});
    await drawn((done) => painter.snapshot({ cols: 80, rows: 5 }, utf8("new"), done));
    await drawn((done) => painter.output(utf8("er"), done));
    expect(line(term, 0)).toBe("newer");
  });

  it("shows a snapshot at once, and leaves an update of the program's own open", async () => {
    const { term, painter } = setup();
    await drawn((done) => painter.snapshot({ cols: 80, rows: 5 }, utf8("whole"), done));
    expect(term.modes.synchronizedOutputMode).toBe(false);
    await drawn((done) => painter.snapshot({ cols: 80, rows: 5 }, utf8("half\x1b[?2026h"), done));
    expect(term.modes.synchronizedOutputMode).toBe(true);
  });

  it("changes the size between what came before and what comes after", async () => {
    const { term, painter } = setup({ cols: 10, rows: 5 });
    painter.output(utf8("0123456789\x1b[1;15Ha"), () => {});
    painter.resized({ cols: 20, rows: 6 }, () => {});
    await drawn((done) => painter.output(utf8("\x1b[2;15Hb"), done));
    expect([term.cols, term.rows]).toEqual([20, 6]);
    // The first move stopped at the edge of ten columns, the second did not.
    expect([line(term, 0), line(term, 1)]).toEqual(["012345678a", "              b"]);
  });

  it("tells of everything in order, also of what draws nothing yet", async () => {
    const { painter } = setup();
    const order: number[] = [];
    painter.output(utf8("…").subarray(0, 1), () => order.push(1));
    painter.resized({ cols: 9, rows: 9 }, () => order.push(2));
    painter.snapshot({ cols: 8, rows: 8 }, new Uint8Array(), () => order.push(3));
    await drawn((done) => painter.output(new Uint8Array(), done));
    expect(order).toEqual([1, 2, 3]);
  });
});
