import { expect, it } from "vitest";
import { isFor, keyBytes } from "./push";

it("reads keys without padding", () => {
  expect([...keyBytes("-_8")]).toEqual([0xfb, 0xff]);
});

it("tells another key of the server apart", () => {
  const key = keyBytes("AQID");
  expect(isFor(Uint8Array.of(1, 2, 3).buffer, key)).toBe(true);
  expect(isFor(Uint8Array.of(1, 2, 4).buffer, key)).toBe(false);
  expect(isFor(Uint8Array.of(1, 2).buffer, key)).toBe(false);
  expect(isFor(null, key)).toBe(false);
});
