import { expect, it } from "vitest";
import { modules, runs } from "./qr";

it("draws the runs of each row", () => {
  const rows = [
    [true, true, false, true],
    [false, false, false, true],
  ];
  expect(runs(rows)).toBe("M0 0h2v1h-2zM3 0h1v1h-1zM3 1h1v1h-1z");
});

it("encodes a login link with its three finders", async () => {
  const { size, path } = await modules(`https://wxcode.example.com/login?code=${"0".repeat(64)}`);
  expect((size - 17) % 4).toBe(0);
  // The upper edges of the two finders at the top.
  expect(path).toContain("M0 0h7v1h-7z");
  expect(path).toContain(`M${size - 7} 0h7v1h-7z`);
});
