import { expect, it } from "vitest";
import type { Turn } from "../api/types";
import { beginsMilestone, joined, prepended } from "./pages";
import { toolTitle } from "./tool";

const turn = (id: string, milestone_id: string | null = null, truncated = false): Turn => ({
  id,
  at: null,
  role: "user",
  blocks: [],
  truncated,
  milestone_id,
  delivery_id: null,
});
const ids = (turns: readonly Turn[]) => turns.map(({ id }) => id).join("");

it("joins the newest page to the held turns", () => {
  const held = ["a", "b", "c"].map((id) => turn(id));
  const grown = joined(held, [turn("c", null, true), turn("d")]);
  expect([ids(grown.turns), grown.gap, grown.turns[2]?.truncated]).toEqual(["abcd", false, true]);
  expect(joined(held, [turn("x"), turn("y")])).toMatchObject({ gap: true });
  expect(ids(joined(held, []).turns)).toBe("abc");
});

it("puts older pages in front, once", () => {
  expect(ids(prepended([turn("a"), turn("b")], [turn("b"), turn("c")]))).toBe("abc");
});

it("finds where a milestone begins", () => {
  const turns = [turn("a"), turn("b", "m"), turn("c", "m"), turn("d", "n")];
  expect(turns.map((_, at) => beginsMilestone(turns, at))).toEqual([false, true, false, true]);
});

it("names a tool by its most telling argument", () => {
  expect(toolTitle("Bash", { description: "List", command: "ls -l\nrm x" })).toBe("Bash ls -l");
  expect(toolTitle("Read", { file_path: "/a/b\u202ec" })).toBe("Read /a/b\\u{202e}c");
  expect(toolTitle("Task", null)).toBe("Task");
});
