import { expect, it } from "vitest";
import type { Ask, Question } from "../api/types";
import { blank, complete, mayAnswer, pick, write } from "./answer";

const question = (multi_select: boolean): Question => ({
  question: "Which?",
  header: "",
  multi_select,
  options: ["Red", "Green", "Blue"].map((label) => ({ label, description: "" })),
});
const one = question(false);
const many = question(true);
const none = { options: [], text: "" };

it("takes one option, or own words instead", () => {
  const red = pick(one, none, "Red");
  expect(red).toEqual({ options: ["Red"], text: "" });
  expect(pick(one, red, "Blue").options).toEqual(["Blue"]);
  const own = write(one, red, "Grey");
  expect(own).toEqual({ options: [], text: "Grey" });
  expect(pick(one, own, "Red")).toEqual(red);
  expect(write(one, red, "  ").options).toEqual(["Red"]);
});

it("takes several options in their order, and own words beside them", () => {
  const blue = pick(many, none, "Blue");
  const both = pick(many, blue, "Red");
  expect(both.options).toEqual(["Red", "Blue"]);
  expect(pick(many, both, "Blue").options).toEqual(["Red"]);
  expect(write(many, both, "Grey")).toEqual({ options: ["Red", "Blue"], text: "Grey" });
});

it("is complete when every question has an answer", () => {
  const [first, second] = blank([one, many]);
  expect(complete([first ?? none, second ?? none])).toBeNull();
  expect(complete([pick(one, none, "Red"), none])).toBeNull();
  expect(complete([pick(one, none, "Red"), write(many, none, " Grey ")])).toEqual([
    { options: ["Red"], text: null },
    { options: [], text: "Grey" },
  ]);
});

it("leaves to the terminal what the server cannot answer", () => {
  const ask = (fields: Partial<Ask>): Ask => ({
    id: "h1",
    kind: "permission",
    dialog: "permission",
    tool_name: null,
    tool_input: null,
    questions: [],
    options: ["Yes", "No"],
    selected: 0,
    ...fields,
  });
  expect(mayAnswer(ask({}))).toBe(true);
  expect(mayAnswer(ask({ options: [] }))).toBe(false);
  expect(mayAnswer(ask({ kind: "dialog", dialog: "trust_folder" }))).toBe(true);
  expect(mayAnswer(ask({ kind: "dialog", dialog: "other" }))).toBe(false);
  expect(mayAnswer(ask({ kind: "question", dialog: "question" }))).toBe(false);
  expect(mayAnswer(ask({ kind: "question", dialog: "question", questions: [one], options: [] }))).toBe(true);
});
