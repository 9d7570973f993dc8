import { expect, it } from "vitest";
import { usageFacts } from "./usage";

const NONE = {
  context_percent: null,
  input_tokens: null,
  output_tokens: null,
  cost_usd: null,
  five_hour_percent: null,
  seven_day_percent: null,
};

it("shows what is known", () => {
  expect(usageFacts(null)).toEqual([]);
  expect(usageFacts(NONE)).toEqual([]);
  const facts = usageFacts({ ...NONE, context_percent: 42, seven_day_percent: 130, cost_usd: 1.5 });
  expect(facts.map(({ key, share, text }) => [key, share, text])).toEqual([
    ["usage.context", 0.42, ""],
    ["usage.seven_day", 1, ""],
    ["usage.cost", null, "$1.50"],
  ]);
});
