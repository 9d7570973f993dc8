import { expect, it } from "vitest";
import { isTyping } from "./report";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

it("knows reports of focus and mouse", () => {
  for (const report of [
    "",
    "\x1b[I",
    "\x1b[O\x1b[I",
    "\x1b[<35;10;20M",
    "\x1b[<0;1;1M\x1b[<0;1;1m",
    "\x1b[M !!",
  ]) {
    expect(isTyping(utf8(report)), JSON.stringify(report)).toBe(false);
  }
  expect(isTyping(Uint8Array.of(0x1b, 0x5b, 0x4d, 0x20, 0xff, 0xf0))).toBe(false);
});

it("takes everything else for typing", () => {
  for (const typed of [
    "a",
    "\r",
    "\x03",
    "\x1b",
    "\x1b[A",
    "\x1b[Ix",
    "\x1b[<35;10;20x",
    "\x1b[M",
    "é",
    "\x1b[I".repeat(200),
  ]) {
    expect(isTyping(utf8(typed)), JSON.stringify(typed)).toBe(true);
  }
});
