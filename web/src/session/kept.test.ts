import { expect, it } from "vitest";
import { keptTexts, size } from "./kept";

const KEPT = { bytes: 12 << 20, bytes_max: 256 << 20, dropped_bytes: 0, damaged_entries: 0 };

it("names sizes in fitting units", () => {
  expect([0, 1023, 1536, 12 << 20].map(size)).toEqual(["0 byte", "1,023 byte", "1.5 kB", "12 MB"]);
});

it("says how much is kept", () => {
  expect(keptTexts(undefined)).toEqual([]);
  expect(keptTexts(null)).toHaveLength(1);
  expect(keptTexts(KEPT)).toEqual([expect.stringMatching(/12 MB.*256 MB/)]);
  const less = keptTexts({ ...KEPT, dropped_bytes: 3 << 20, damaged_entries: 2 });
  expect(less).toEqual([expect.anything(), expect.stringContaining("3 MB"), expect.stringContaining("2")]);
});
