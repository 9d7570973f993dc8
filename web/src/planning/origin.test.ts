import { expect, it } from "vitest";
import { misplacedText, nameOf } from "./origin";

const created = [{ milestone_id: "a", element_name: "As it was" }];
const milestones = [
  { id: "a", element_name: "Login" },
  { id: "b", element_name: "Cart" },
];

it("names a milestone as it is called now, or was when it made something", () => {
  expect(nameOf("a", created, milestones)).toBe("Login");
  expect(nameOf("a", created, [])).toBe("As it was");
  expect(nameOf("c", created, milestones)).toBeNull();
  expect(nameOf(null, created, milestones)).toBeNull();
});

it("says in whose folder a misplaced one lies", () => {
  const id = "0123456789abcdef01234567";
  const who = (one: string) => (one === id ? "Cart" : null);
  expect(misplacedText(`.milestones/${id}/.planning`, who)).toBe(`.milestones/${id}/.planning (Cart)`);
  expect(misplacedText(`.milestones/${id.replace("0", "f")}/phases`, who)).toMatch(/phases$/);
  expect(misplacedText(".milestones/phases", who)).toBe(".milestones/phases");
});
