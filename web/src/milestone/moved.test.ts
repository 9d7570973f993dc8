import { expect, it } from "vitest";
import { movedText } from "./moved";

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
