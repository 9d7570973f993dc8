import { expect, it } from "vitest";
import { changedAt, inWork, movedText } from "./moved";

it("says who and why", () => {
  const text = (
    status: "pending" | "in_progress" | "failed",
    status_by: string | null,
    status_reason: string | null,
  ) => movedText({ status, status_by, status_reason });
  expect(text("pending", null, null)).toBe("");
  expect(text("failed", "user", "not needed any more")).toBe("by hand: not needed any more");
  expect(text("failed", "user", null)).toBe("by hand");
  expect(text("in_progress", "delivery", "its command was submitted")).toBe("by its command");
  expect(text("pending", "delivery", "the agent ended")).toBe("by its command: the agent ended");
  expect(text("failed", "workflow", "x")).toBe("workflow: x");
});

it("takes the time of the last change", () => {
  const at = { created_at: "1", updated_at: "2", completed_at: null };
  expect(changedAt({ ...at, status_by: null })).toBe("1");
  expect(changedAt({ ...at, status_by: "user" })).toBe("2");
  expect(changedAt({ ...at, status_by: "user", completed_at: "3" })).toBe("3");
});

it("finds the milestone in work", () => {
  const all = ["pending", "in_progress", "in_progress", "failed"].map((status, at) => ({
    id: `${at}`,
    status,
  }));
  expect(inWork(all as unknown as Parameters<typeof inWork>[0])).toBe("1");
  expect(inWork([])).toBeNull();
});
