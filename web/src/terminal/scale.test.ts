import { describe, expect, it } from "vitest";
import { SCALE_MIN, scaledFont } from "./scale";

describe("scaledFont", () => {
  it("leaves the user's own size where the session fits", () => {
    expect(scaledFont(13, { cols: 100, rows: 30 }, { cols: 100, rows: 30 })).toBe(13);
    expect(scaledFont(13, { cols: 100, rows: 30 }, { cols: 40, rows: 20 })).toBe(13);
  });

  it("shows all columns", () => {
    expect(scaledFont(12, { cols: 60, rows: 40 }, { cols: 120, rows: 40 })).toBe(6);
    expect(scaledFont(13, { cols: 100, rows: 40 }, { cols: 130, rows: 40 })).toBe(10);
    expect(scaledFont(11, { cols: 50, rows: 40 }, { cols: 500, rows: 40 })).toBe(SCALE_MIN);
  });

  it("shows all rows while they can be read", () => {
    expect(scaledFont(12, { cols: 100, rows: 30 }, { cols: 100, rows: 40 })).toBe(9);
    expect(scaledFont(12, { cols: 100, rows: 10 }, { cols: 100, rows: 100 })).toBe(7);
    expect(scaledFont(12, { cols: 40, rows: 10 }, { cols: 80, rows: 100 })).toBe(6);
  });
});
