import { Terminal } from "@xterm/headless";
import { describe, expect, it } from "vitest";
import { silenceQueries } from "./queries";

/** All queries of a terminal, by their documented names. */
const QUERIES: Record<string, string> = {
  DA1: "\x1b[c",
  "DA1 with 0": "\x1b[0c",
  DA2: "\x1b[>c",
  DA3: "\x1b[=c",
  "DSR status": "\x1b[5n",
  CPR: "\x1b[6n",
  DECXCPR: "\x1b[?6n",
  "colour scheme": "\x1b[?996n",
  "DECRQM ANSI": "\x1b[4$p",
  "DECRQM private": "\x1b[?2026$p",
  "DECRQSS SGR": "\x1bP$qm\x1b\\",
  "DECRQSS margins": "\x1bP$qr\x1b\\",
  XTGETTCAP: "\x1bP+q544e\x1b\\",
  XTVERSION: "\x1b[>0q",
  "kitty keyboard": "\x1b[?u",
  DECREQTPARM: "\x1b[x",
  "OSC 4": "\x1b]4;1;?\x07",
  "OSC 4 many": "\x1b]4;1;?;2;?\x1b\\",
  "OSC 10": "\x1b]10;?\x07",
  "OSC 10 to 12": "\x1b]10;?;?;?\x07",
  "OSC 11": "\x1b]11;?\x1b\\",
  "OSC 12": "\x1b]12;?\x07",
  "window size in pixels": "\x1b[14t",
  "cell size": "\x1b[16t",
  "size in cells": "\x1b[18t",
  title: "\x1b[21t",
};

/** A terminal with everything allowed that a page can allow. */
function terminal(): { term: Terminal; data: string[] } {
  const term = new Terminal({
    allowProposedApi: true,
    windowOptions: {
      getWinSizeChars: true,
      getWinSizePixels: true,
      getCellSizePixels: true,
      getWinTitle: true,
    },
  });
  const data: string[] = [];
  term.onData((text) => data.push(text));
  return { term, data };
}

const written = (term: Terminal, text: string): Promise<void> =>
  new Promise((done) => {
    term.write(text, done);
  });

describe("silenceQueries", () => {
  it("is needed: a terminal answers these by itself", async () => {
    const { term, data } = terminal();
    for (const name of [
      "DA1",
      "DA2",
      "DSR status",
      "CPR",
      "DECXCPR",
      "DECRQM ANSI",
      "DECRQM private",
      "DECRQSS SGR",
      "size in cells",
    ]) {
      const before = data.length;
      await written(term, QUERIES[name] ?? "");
      expect(data.length, name).toBe(before + 1);
    }
  });

  for (const [name, query] of Object.entries(QUERIES)) {
    it(`leaves ${name} to the holder`, async () => {
      const { term, data } = terminal();
      silenceQueries(term);
      await written(term, `before ${query}after`);
      expect(data).toEqual([]);
      // The query itself is not shown either.
      expect(term.buffer.active.getLine(0)?.translateToString(true)).toBe("before after");
    });

    it(`leaves ${name} to the holder when it comes in pieces`, async () => {
      const { term, data } = terminal();
      silenceQueries(term);
      for (const unit of query) await written(term, unit);
      expect(data).toEqual([]);
    });
  }

  it("lets keys through", () => {
    const { term, data } = terminal();
    silenceQueries(term);
    term.input("a\x1b[A\x03");
    expect(data).toEqual(["a\x1b[A\x03"]);
  });

  it("leaves what only looks like a query to the terminal", async () => {
    const { term, data } = terminal();
    silenceQueries(term);
    // DECSCUSR, DECSTR, cursor restore: neighbours of XTVERSION, DECRQM and the kitty query.
    await written(term, "\x1b[?7l\x1b[4 q\x1b[!p\x1b[5;5H\x1b[s\x1b[1;1H\x1b[u");
    expect(term.buffer.active.cursorX).toBe(4);
    expect(term.modes.wraparoundMode).toBe(true);
    expect(data).toEqual([]);
  });

  it("gives the terminal its voice back when disposed", async () => {
    const { term, data } = terminal();
    silenceQueries(term).dispose();
    await written(term, "\x1b[c");
    expect(data).toEqual(["\x1b[?1;2c"]);
  });
});
