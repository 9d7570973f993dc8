import { expect, it } from "vitest";
import type { HistoryEntry } from "../api/types";
import { beganText, conversations } from "./conversation";

const entry = (id: string, fields: Partial<HistoryEntry> = {}): HistoryEntry => ({
  id,
  since: "2026-01-01T00:00:00Z",
  until: null,
  source: "startup",
  reason: null,
  transcript_path: null,
  ...fields,
});

it("lists the newest first, each once, and marks the current one", () => {
  const session = {
    claude_session_id: "a",
    claude_session_history: [
      entry("a", { until: "2026-01-02T00:00:00Z", reason: "clear" }),
      entry("b", { source: "clear", until: "2026-01-03T00:00:00Z", reason: "its transcript is gone" }),
      entry("a", { source: "resume" }),
    ],
  };
  const shown = conversations(session);
  expect(shown.map(({ entry, current, left }) => [entry.id, entry.source, current, left])).toEqual([
    ["a", "resume", true, null],
    ["b", "clear", false, "its transcript is gone"],
  ]);
});

it("has words for how one began, and shows those that it does not know", () => {
  expect(beganText("clear")).toBe("started by /clear");
  expect(beganText("fork")).toBe("fork");
});
