import { expect, it } from "vitest";
import { type Inline, inline, type MarkdownBlock, markdown } from "./markdown";

const plain = (parts: Inline[]): string =>
  parts
    .map((part) => ("parts" in part ? plain(part.parts) : part.type === "break" ? "\n" : part.text))
    .join("");
const kinds = (text: string): string[] => markdown(text).map(({ type }) => type);

it("splits blocks", () => {
  const text = "# Title\n\nWords\nmore\n\n- a\n- b\n\n> quoted\n\n---\n\n```rust\nfn x() {}\n```\nend";
  expect(kinds(text)).toEqual(["heading", "paragraph", "list", "quote", "rule", "code", "paragraph"]);
  expect(markdown("```rust\nfn x() {}\n```")[0]).toEqual({
    type: "code",
    language: "rust",
    text: "fn x() {}",
  });
  expect(markdown("```\nopen end")[0]).toMatchObject({ type: "code", text: "open end" });
});

it("nests lists and keeps their numbers", () => {
  const [outer] = markdown("3. one\n   - inner\n   - other\n4. two") as [
    Extract<MarkdownBlock, { type: "list" }>,
  ];
  expect([outer.ordered, outer.start, outer.items.length]).toEqual([true, 3, 2]);
  expect(outer.items[0]?.map(({ type }) => type)).toEqual(["paragraph", "list"]);
});

it("reads a table", () => {
  const [table] = markdown("| a | b |\n|---|:-:|\n| 1 | x \\| y |") as [
    Extract<MarkdownBlock, { type: "table" }>,
  ];
  expect(table.head.map(plain)).toEqual(["a", "b"]);
  expect(table.rows.map((row) => row.map(plain))).toEqual([["1", "x | y"]]);
});

it("reads emphasis, code and links", () => {
  expect(inline("a **b *c*** `d*e*`").map(({ type }) => type)).toEqual(["text", "strong", "text", "code"]);
  expect(inline("snake_case_name and 2 * 3 * 4")).toEqual([
    { type: "text", text: "snake_case_name and 2 * 3 * 4" },
  ]);
  expect(inline("see https://example.com/a_b.")[1]).toMatchObject({
    type: "link",
    href: "https://example.com/a_b",
  });
  expect(inline("[x](https://example.com)")[0]).toMatchObject({ type: "link", href: "https://example.com" });
});

it("keeps HTML and foreign addresses as text", () => {
  const hostile = '<script>alert(1)</script> <img src=x onerror="alert(1)">';
  expect(plain(inline(hostile))).toBe(hostile);
  for (const href of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil"]) {
    const parts = inline(`[click](${href})`);
    expect(
      parts.some(({ type }) => type === "link"),
      href,
    ).toBe(false);
  }
});

it("ends on deep and long input", () => {
  expect(markdown(`${">".repeat(2_000)} x`).length).toBe(1);
  expect(markdown(`${"- ".repeat(500)}x`).length).toBe(1);
  const began = performance.now();
  inline("*a ".repeat(20_000));
  inline("[".repeat(20_000));
  inline("`".repeat(5_000));
  expect(performance.now() - began).toBeLessThan(5_000);
});
