import { expect, test } from "vitest";
import cases from "../../../crates/wxcode-claude/pastes/cases.json" with { type: "json" };
import { hasControls, typeable } from "./paste";

for (const { case: name, text, typed } of cases) {
  test(name, () => {
    expect(typeable(text)).toBe(typed);
    expect(hasControls(text)).toBe(text !== typed);
    expect(typeable(typed)).toBe(typed);
  });
}
