import { Terminal } from "@xterm/headless";
import { expect, it } from "vitest";
import { COPY_MAX, type Copied, copied, onCopy } from "./clipboard";

const encoded = (text: string): string =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

it("reads a write to the clipboard", () => {
  for (const selections of ["c", "", "s", "pc", "s0"])
    expect(copied(`${selections};${encoded("olá 漢")}`), selections).toEqual({ text: "olá 漢" });
});

it("ignores requests to read and malformed writes", () => {
  for (const data of [
    "c;?",
    ";?",
    "c;",
    "c",
    "",
    "p;aGk=",
    "x;aGk=",
    "c;!",
    "c;a",
    "c;aGk=?",
    `${"c".repeat(17)};aGk=`,
  ])
    expect(copied(data), data).toBeNull();
});

it("bounds the text", () => {
  expect(copied(`c;${encoded("x".repeat(COPY_MAX))}`)).toEqual({ text: "x".repeat(COPY_MAX) });
  expect(copied(`c;${encoded("x".repeat(COPY_MAX + 1))}`)).toBe("too_large");
  expect(copied(`c;${"A".repeat(8 << 20)}`)).toBe("too_large");
});

it("finds writes in the output", async () => {
  const terminal = new Terminal({ allowProposedApi: true });
  const found: Copied[] = [];
  onCopy(terminal, (copy) => found.push(copy));
  const output = `a\x1b]52;c;${encoded("one")}\x07b\x1b]52;;${encoded("two")}\x1b\\\x1b]52;c;?\x07`;
  await new Promise<void>((done) => terminal.write(output, done));
  expect(found).toEqual([{ text: "one" }, { text: "two" }]);
});
