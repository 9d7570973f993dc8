import { expect, it } from "vitest";
import { declines, grave } from "./grave";

it("asks for a tick where much follows", () => {
  expect(grave("trust_folder")?.means).toBe("ask.trust_folder.means");
  expect(grave("bypass_permissions_warning")).not.toBeNull();
  expect(grave("permission")).toBeNull();
});

it("takes what does not clearly decline for agreeing", () => {
  for (const no of ["No, exit", "No", " no, keep manual mode"]) expect(declines(no)).toBe(true);
  for (const yes of ["Yes, I trust this folder", "Nothing but yes", "Proceed", ""]) {
    expect(declines(yes)).toBe(false);
  }
});
