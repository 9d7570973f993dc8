import { expect, it } from "vitest";
import { unfinished } from "./character";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

it("knows where a character is not complete", () => {
  const whole = utf8("é…🙂");
  const expected = [0, 1, 0, 1, 2, 0, 1, 2, 3, 0];
  expect(expected.map((_, length) => unfinished(whole.subarray(0, length)))).toEqual(expected);
  // Bytes that begin no character do not wait.
  for (const odd of [[0x80], [0xff], [0x41, 0x80, 0x80], [0xf8, 0x80]]) {
    expect(unfinished(Uint8Array.from(odd)), String(odd)).toBe(0);
  }
});
