import { expect, it } from "vitest";
import { clock } from "./clock";

it("shows hours only where there are some", () => {
  expect([0, 61_900, 3_599_999, 3_600_000].map(clock)).toEqual(["00:00", "01:01", "59:59", "1:00:00"]);
});
