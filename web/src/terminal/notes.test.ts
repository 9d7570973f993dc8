import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { NOTE_MS, Notes, WARNINGS_MAX } from "./notes.svelte";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("drops a note after a while, and not a newer one", () => {
  const notes = new Notes();
  notes.say("one");
  vi.advanceTimersByTime(NOTE_MS - 1);
  notes.say("two");
  vi.advanceTimersByTime(NOTE_MS - 1);
  expect(notes.note).toBe("two");
  vi.advanceTimersByTime(1);
  expect(notes.note).toBe("");
});

it("keeps few warnings, each once, the newest last", () => {
  const notes = new Notes();
  for (const text of ["a", "b", "a", "c", "d"]) notes.warn(text);
  expect(notes.warnings).toEqual(["a", "c", "d"]);
  expect(notes.warnings).toHaveLength(WARNINGS_MAX);
  notes.read();
  expect(notes.warnings).toEqual([]);
});
