import { expect, it } from "vitest";
import { bounded, defaultWidth, readSide, SIDE_MAX, SIDE_MIN } from "./side";

it("leaves room for the terminal", () => {
  expect(defaultWidth(1024)).toBe(300);
  expect(defaultWidth(1600)).toBe(352);
});

it("reads what was kept, within bounds", () => {
  expect(readSide('{"width":5000,"folded":true}', 1280)).toEqual({ width: SIDE_MAX, folded: true });
  for (const odd of [null, "{", '{"width":"x"}'])
    expect(readSide(odd, 1024)).toEqual({ width: 300, folded: false });
  expect(bounded(1)).toBe(SIDE_MIN);
});
