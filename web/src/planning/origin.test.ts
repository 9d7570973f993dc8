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

it("says who misplaced a file", () => {
  const who = (id: string | null | undefined) => nameOf(id, created, milestones);
  expect(misplacedText("sub/.planning", who)).toBe("sub/.planning");
  expect(misplacedText({ path: "x", milestone_id: "b" }, who)).toBe("x (Cart)");
  expect(misplacedText({ path: "x", milestone_id: "c" }, who)).toBe("x");
});
