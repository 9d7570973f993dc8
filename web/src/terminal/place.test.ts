import { expect, it } from "vitest";
import { placesIn } from "./place";

const texts = (line: string) => placesIn(line).map(({ text }) => text);

it("finds files with lines and columns", () => {
  expect(texts("at src/main.rs:12:5 and (web/src/App.svelte:3)")).toEqual([
    "src/main.rs:12:5",
    "web/src/App.svelte:3",
  ]);
  expect(texts("Makefile.am:7: error")).toEqual(["Makefile.am:7"]);
  expect(texts("/srv/shop/a.py:1, ../b.ts:22.")).toEqual(["/srv/shop/a.py:1", "../b.ts:22"]);
});

it("takes no address and no time for a file", () => {
  for (const line of ["at 12:30:15", "http://127.0.0.1:8052/a", "localhost:80", "example.com:443", "a:1"])
    expect(texts(line), line).toEqual([]);
});

it("knows where a place stands", () => {
  expect(placesIn("  a/b.c:9 ")).toEqual([{ text: "a/b.c:9", from: 2, to: 9 }]);
});
