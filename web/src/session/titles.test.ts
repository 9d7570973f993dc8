import { expect, it } from "vitest";
import { TITLE_MAX, titleIn } from "./titles.svelte";

const turn = (role: string, text: string) =>
  `${JSON.stringify({ role, blocks: [{ type: "text", text }] })}\n`;

it("takes the first words of the user", () => {
  const lines = turn("system", "hello") + turn("user", "\n  Fix the login\nplease") + turn("user", "more");
  expect(titleIn(lines)).toBe("Fix the login");
});

it("skips the command that began the conversation", () => {
  expect(titleIn(turn("user", "/clear") + turn("user", "Next"))).toBe("Next");
});

it("waits for a whole line", () => {
  expect(titleIn(turn("user", "Fix").slice(0, -1))).toBeNull();
  expect(titleIn("no JSON\n")).toBeNull();
});

it("shortens long words", () => {
  const title = titleIn(turn("user", "x".repeat(500)));
  expect(title).toHaveLength(TITLE_MAX);
  expect(title?.endsWith("…")).toBe(true);
});
