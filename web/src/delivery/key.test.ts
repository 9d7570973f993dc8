import { expect, it } from "vitest";
import { newKey, PendingKey } from "./key";

it("makes keys of 128 bits", () => {
  expect(newKey((bytes) => bytes.fill(10))).toBe("0a".repeat(16));
  expect(newKey()).not.toBe(newKey());
});

it("keeps the key of a text until the server has it", () => {
  const pending = new PendingKey();
  const first = pending.keyFor("/help");
  expect(pending.keyFor("/help")).toBe(first);
  expect(pending.keyFor("/clear")).not.toBe(first);
  const again = pending.keyFor("/clear");
  pending.taken();
  expect(pending.keyFor("/clear")).not.toBe(again);
});
