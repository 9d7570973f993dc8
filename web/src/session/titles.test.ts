import { expect, it } from "vitest";
import { KEPT_MAX, knowTitle, readTitles, titleOf } from "./titles.svelte";

const asker = (titles: Record<string, string | null>) => {
  const asked: string[] = [];
  const ask = async (id: string) => {
    asked.push(id);
    if (!(id in titles)) throw new Error("the transcript is gone");
    return titles[id];
  };
  return { asked, ask };
};

it("shows the beginning of an id without a title", () => {
  expect(titleOf("0123456789abcdef")).toBe("01234567");
});

it("asks once for each older conversation, also one without words", async () => {
  const { asked, ask } = asker({ "older-one": "Fix the login", "older-two": null });
  await readTitles("p", ["older-one", "older-two"], "now", ask);
  await readTitles("p", ["older-one", "older-two"], "now", ask);
  expect(asked).toEqual(["older-one", "older-two"]);
  expect(titleOf("older-one")).toBe("Fix the login");
  expect(titleOf("older-two")).toBe("older-tw");
});

it("asks again for the current one, which may be renamed", async () => {
  const titles: Record<string, string | null> = { "current-1": null };
  const { asked, ask } = asker(titles);
  await readTitles("p", ["current-1"], "current-1", ask);
  titles["current-1"] = "Payments";
  await readTitles("p", ["current-1"], "current-1", ask);
  expect(asked).toEqual(["current-1", "current-1"]);
  expect(titleOf("current-1")).toBe("Payments");
});

it("asks again after a failure", async () => {
  const titles: Record<string, string | null> = {};
  const { ask } = asker(titles);
  await readTitles("p", ["gone-for-now"], null, ask);
  titles["gone-for-now"] = "Back";
  await readTitles("p", ["gone-for-now"], null, ask);
  expect(titleOf("gone-for-now")).toBe("Back");
});

it("keeps a bounded number", () => {
  for (let n = 0; n <= KEPT_MAX; n += 1) knowTitle(`conversation-${n}`, `title ${n}`);
  expect(titleOf("conversation-0")).toBe("conversa");
  expect(titleOf(`conversation-${KEPT_MAX}`)).toBe(`title ${KEPT_MAX}`);
});
