import { expect, it } from "vitest";
import { patchFiles, remark, unquoted } from "./patch";

const PATCH = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,3 +1,4 @@ function a() {
 one
-two
+TWO
+2.5
 three
@@ -10 +11 @@
-old
\\ No newline at end of file
+new
diff --git a/gone file.txt b/gone file.txt
deleted file mode 100644
--- a/gone file.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
diff --git "a/\\303\\251\\t.md" "b/\\303\\251\\t.md"
new file mode 100644
Binary files differ`;

it("reads files, parts and line numbers", () => {
  const files = patchFiles(PATCH);
  expect(files.map(({ path }) => path)).toEqual(["src/a.ts", "gone file.txt", "é\t.md"]);
  const [first, second] = files[0]?.parts ?? [];
  expect(first?.heading).toBe("function a() {");
  expect(first?.lines.map(({ kind, before, after }) => [kind, before, after])).toEqual([
    ["same", 1, 1],
    ["removed", 2, null],
    ["added", null, 2],
    ["added", null, 3],
    ["same", 3, 4],
  ]);
  expect(second?.lines.map(({ kind }) => kind)).toEqual(["removed", "note", "added"]);
  expect(files[2]?.parts).toEqual([]);
});

it("reads quoted paths", () => {
  expect(unquoted("plain")).toBe("plain");
  expect(unquoted('"a \\"b\\" \\303\\251"')).toBe('a "b" é');
});

it("makes a prompt of a comment", () => {
  const line = { kind: "added", text: "  let x", before: null, after: 7 } as const;
  expect(remark("a.ts", line, " Rename it. ")).toBe("a.ts:7\n> let x\nRename it.");
});

it("takes a cut patch as far as it goes", () => {
  expect(patchFiles(PATCH.slice(0, 120)).length).toBe(1);
  expect(patchFiles("no patch")).toEqual([]);
});
