import { expect, it } from "vitest";
import type { Role } from "../api/types";
import { allows } from "./role";

it("orders the roles", () => {
  expect([allows("viewer", "viewer"), allows("viewer", "operator")]).toEqual([true, false]);
  expect([allows("operator", "operator"), allows("operator", "admin")]).toEqual([true, false]);
  expect(allows("admin", "admin")).toBe(true);
});

it("leaves an unknown role to the server", () => {
  expect(allows(null, "admin")).toBe(true);
  expect(allows("king" as Role, "operator")).toBe(false);
});
