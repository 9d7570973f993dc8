import { expect, it } from "vitest";
import { badge, titled } from "./badge";
import { fresh } from "./notify";
import type { Waiting } from "./waiting";

const one = (id: string, state: Waiting["state"], kind: string | null = null): [string, Waiting] => [
  id,
  { id, name: id, state, kind },
];

it("reports each new wait once", () => {
  const before = new Map([one("a", "waiting_permission", "permission")]);
  const now = new Map([one("a", "waiting_permission", "permission"), one("b", "waiting_question")]);
  expect(fresh(before, now).map(({ id }) => id)).toEqual(["b"]);
  expect(fresh(now, now)).toEqual([]);
  // The kind becomes known a moment after the state.
  const known = new Map([...now, one("b", "waiting_question", "question")]);
  expect(fresh(now, known)).toEqual([]);
  expect(fresh(known, new Map([one("b", "blocked_dialog", "dialog")])).length).toBe(1);
});

it("counts in the title and in the icon", () => {
  expect(titled("Shop", 0)).toBe("Shop");
  expect(titled("Shop", 2)).toBe("(2) Shop");
  expect(badge(0)).toBeNull();
  expect(decodeURIComponent(badge(3) ?? "")).toContain(">3</text>");
  expect(decodeURIComponent(badge(12) ?? "")).toContain(">9+</text>");
});
