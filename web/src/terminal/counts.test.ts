import { Terminal } from "@xterm/headless";
import { describe, expect, it } from "vitest";
import { boundCounts } from "./counts.js";

/** The parser's largest count. */
const MOST = 2_147_483_647;
const FINALS = ["S", "T", "L", "M", "I", "Z", "b", "A", "B", "C", "D", "@", "P", "X", " @", " A", "'}", "'~"];
/** One second for thousands of sequences is slow; without bounds, a single sequence takes longer. */
const TIMES = 200;

function terminal(bounded = true): Terminal {
  const term = new Terminal({ allowProposedApi: true, cols: 40, rows: 10, scrollback: 50 });
  if (bounded) boundCounts(term);
  return term;
}

const written = (term: Terminal, data: string): Promise<void> =>
  new Promise((done) => term.write(data, done));
const lines = (term: Terminal): string[] =>
  Array.from({ length: term.buffer.active.length }, (_, y) =>
    String(term.buffer.active.getLine(y)?.translateToString(true)),
  );

describe("bounded counts", () => {
  it.each(FINALS)("keep a terminal alive: CSI n %s", async (final) => {
    const term = terminal();
    await written(term, `text\x1b[3;5H${`x\x1b[${MOST}${final}`.repeat(TIMES)}`);
    await written(term, "\x1b[H\x1b[Jalive");
    expect(lines(term)).toContain("alive");
  });

  it.each(["S", "T", "L", "M", "I", "Z"])("change nothing else: CSI n %s", async (final) => {
    const [bounded, plain] = [terminal(), terminal(false)];
    for (const n of [0, 1, 3, 9, 10, 11, 39, 40, 41, 1000]) {
      const data = `a\tb\r\n\x1b[44mc\x1b[2;8r\x1b[4;9Hd\x1b[${n}${final}e\x1b[m`;
      await Promise.all([written(bounded, data), written(plain, data)]);
      expect(lines(bounded), `${n}`).toEqual(lines(plain));
      const at = ({ buffer }: Terminal) => [buffer.active.cursorX, buffer.active.cursorY];
      expect(at(bounded), `${n}`).toEqual(at(plain));
    }
  });

  it("repeat a character over a screenful at most", async () => {
    const term = terminal();
    await written(term, `x\x1b[${MOST}b`);
    expect(lines(term).join("").length).toBe(1 + 40 * 10);
    await written(term, `\x1b[H\x1b[2J\x1b[3Jy\x1b[6b`);
    expect(lines(term)[0]).toBe("yyyyyyy");
  });
});
