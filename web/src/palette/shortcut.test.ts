import { expect, it } from "vitest";
import { shortcut } from "./shortcut";

const press = (
  key: string,
  over: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", boolean>> = {},
) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...over,
});

it("opens the palette everywhere", () => {
  for (const typing of [false, true]) {
    expect(shortcut(press("k", { ctrlKey: true }), typing)).toBe("palette");
    expect(shortcut(press("k", { metaKey: true }), typing)).toBe("palette");
    expect(shortcut(press("K", { ctrlKey: true, shiftKey: true }), typing)).toBeNull();
  }
});

it("leaves plain keys to fields and the terminal", () => {
  expect(shortcut(press("?", { shiftKey: true }), false)).toBe("help");
  expect(shortcut(press("/"), false)).toBe("search");
  for (const key of ["?", "/"]) expect(shortcut(press(key), true)).toBeNull();
  expect(shortcut(press("n", { ctrlKey: true }), false)).toBeNull();
});
