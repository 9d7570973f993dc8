import { expect, it } from "vitest";
import { chooseKey, keyData } from "./keys";

it("follows the cursor mode of the program", () => {
  expect(keyData("up", false)).toBe("\x1b[A");
  expect(keyData("left", true)).toBe("\x1bOD");
  expect(keyData("interrupt", true)).toBe("\x03");
  expect(keyData("backtab", false)).toBe("\x1b[Z");
});

const press = (key: string, held: Partial<KeyboardEvent> = {}) => ({
  type: "keydown",
  key,
  ctrlKey: false,
  shiftKey: false,
  altKey: false,
  metaKey: false,
  ...held,
});

it("leaves copying a selection and pasting to the browser", () => {
  expect(chooseKey(press("c", { ctrlKey: true }), true)).toEqual({ do: "leave" });
  expect(chooseKey(press("c", { ctrlKey: true }), false)).toEqual({ do: "type" });
  expect(chooseKey(press("v", { ctrlKey: true }), false)).toEqual({ do: "leave" });
  expect(chooseKey(press("V", { ctrlKey: true, shiftKey: true }), false)).toEqual({ do: "leave" });
  expect(chooseKey(press("v", { ctrlKey: true, altKey: true }), false)).toEqual({ do: "type" });
});

it("copies on Ctrl+Shift+C, and never interrupts", () => {
  for (const selected of [true, false])
    expect(chooseKey(press("C", { ctrlKey: true, shiftKey: true }), selected)).toEqual({ do: "copy" });
});

it("has a way out for the keyboard, and a new line on Shift+Enter", () => {
  expect(chooseKey(press("F6"), false)).toEqual({ do: "leave" });
  expect(chooseKey(press("Enter", { shiftKey: true }), false)).toEqual({ do: "send", data: "\x1b\r" });
  expect(chooseKey(press("Enter"), false)).toEqual({ do: "type" });
  expect(chooseKey(press("Tab"), false)).toEqual({ do: "type" });
});
