import { expect, it } from "vitest";
import { marked } from "./marked";

it("marks beginnings of words", () => {
  const hits = (text: string, query: string) =>
    marked(text, query)
      .filter(({ hit }) => hit)
      .map((piece) => piece.text);
  expect(hits("The Login page, relogin", "log (page)")).toEqual(["Log", "page"]);
  expect(hits("Ação e reação", "ação")).toEqual(["Ação"]);
  expect(marked("x.*y", ".*")).toEqual([{ text: "x.*y", hit: false }]);
});
