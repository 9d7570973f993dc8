import { describe, expect, it } from "vitest";
import { PIECE_MAX, PIECES_MAX, pieces, visible } from "./call";

describe("the pieces of a call", () => {
  it("puts first what says most", () => {
    const call = { description: "List files", timeout: 5000, command: "ls -la\nrm x" };
    expect(pieces(call).map(({ name, look, text }) => [name, look, text])).toEqual([
      ["command", "code", "ls -la\nrm x"],
      ["description", "text", "List files"],
      ["timeout", "code", "5000"],
    ]);
  });

  it("shows an edit as what goes and what comes", () => {
    const call = { old_string: "a", new_string: "b", file_path: "/srv/x.ts", replace_all: false };
    expect(pieces(call).map(({ name, look }) => [name, look])).toEqual([
      ["file_path", "code"],
      ["old_string", "removed"],
      ["new_string", "added"],
      ["replace_all", "code"],
    ]);
  });

  it("takes anything that a tool may be given", () => {
    expect(pieces(null)).toEqual([]);
    expect(pieces(undefined)).toEqual([]);
    expect(pieces("plain")).toEqual([{ name: "", look: "code", text: "plain", left: 0 }]);
    expect(pieces({ edits: [{ a: 1 }], empty: "", none: null })).toHaveLength(1);
    expect(pieces({ edits: [{ a: 1 }] })[0]?.text).toContain('"a": 1');
  });

  it("is bounded, and says how much is left", () => {
    const [first] = pieces({ content: "x".repeat(PIECE_MAX + 7) });
    expect(first?.text.length).toBe(PIECE_MAX);
    expect(first?.left).toBe(7);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, n]));
    expect(pieces(many)).toHaveLength(PIECES_MAX);
  });
});

it("shows what hides in a text", () => {
  expect(visible("echo a\u202eb\u200b\u001b[2K\tc\r\nd\re")).toBe("echo a\\u{202e}b\\u{200b}␛[2K\tc\nd␍e");
  expect(visible("é 🙂 👩‍💻 日本")).toBe("é 🙂 👩‍💻 日本");
});
