import { expect, it } from "vitest";
import { divided, fromLocal, toLocal } from "./schedule";

it("reads the times that it writes", () => {
  const time = "2026-05-10T12:34:00.000Z";
  expect(fromLocal(toLocal(time))).toBe(time);
  expect(toLocal(null)).toBe("");
  expect(toLocal("nonsense")).toBe("");
  expect(fromLocal("")).toBeNull();
});

it("divides the queue from what is over", () => {
  const all = ["submitted", "failed", "queued", "written"].map((state, at) => ({ state, at })).toReversed();
  const { open, over } = divided(all);
  expect(open.map(({ at }) => at)).toEqual([2, 3]);
  expect(over.map(({ at }) => at)).toEqual([1, 0]);
});
