import { expect, it } from "vitest";
import { scriptIn } from "./outdated.svelte";

it("finds the script of a page", () => {
  const html = '<script type="module" crossorigin src="./assets/index-CEAPN9ss.js"></script>';
  expect(scriptIn(html)).toBe("index-CEAPN9ss.js");
  expect(scriptIn('<link href="./assets/index-a.css">')).toBeNull();
});
