import { expect, it } from "vitest";
import { concern, NEWS, runWords } from "./news";

it("asks about the session when the agent wants something", () => {
  for (const type of ["agent.state", "permission.requested", "question.asked"]) {
    expect(NEWS).toContain(type);
    expect(concern(type)).toEqual({ state: true, planning: false, runs: false });
  }
});

it("reads the planning when that may have changed, and only then", () => {
  expect(concern("planning.changed")).toEqual({ state: false, planning: true, runs: false });
  expect(concern("milestone.status").planning).toBe(true);
  expect(concern("client.joined").planning).toBe(false);
});

it("asks about everything after what it cannot know of", () => {
  expect(concern("run.finished")).toEqual({ state: true, planning: false, runs: true });
  for (const type of ["state", "reset", "something.new"]) {
    expect(concern(type)).toEqual({ state: true, planning: true, runs: true });
  }
});

it("does not listen to every tool", () => {
  expect(NEWS.some((type) => type.startsWith("tool."))).toBe(false);
});

it("reads what the agent of a run says", () => {
  expect(runWords('{"run_id":"r","text":"Reading…","seq":4}')).toEqual({ run: "r", text: "Reading…" });
  for (const odd of ["", "null", '"x"', '{"run_id":"r"}', "{"]) expect(runWords(odd)).toBeNull();
});
