import { expect, it } from "vitest";
import { mention, nameOf } from "./upload";

it("names pasted images by their time", () => {
  const now = new Date("2026-05-10T12:34:56.789Z");
  expect(nameOf({ name: "image.png", type: "image/png" }, now)).toBe("pasted-2026-05-10T12-34-56.png");
  expect(nameOf({ name: "", type: "image/jpeg" }, now)).toBe("pasted-2026-05-10T12-34-56.jpg");
  expect(nameOf({ name: "plan.pdf", type: "application/pdf" }, now)).toBe("plan.pdf");
});

it("quotes odd paths", () => {
  expect(mention("/a/b.png")).toBe("/a/b.png ");
  expect(mention("/a b/c'd")).toBe("'/a b/c'\\''d' ");
});
