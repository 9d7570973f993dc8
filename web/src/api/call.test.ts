import { expect, it } from "vitest";
import { addressOf } from "./call";

it("fills a path and leaves out missing parameters", () => {
  const path = "/output-projects/{id}/deliveries/{delivery_id}";
  expect(addressOf(path, { id: "a/b", delivery_id: "c" })).toBe("/output-projects/a%2Fb/deliveries/c");
  const query = { q: "a b", skip: 0, after: null, before: undefined, sort: "" };
  expect(addressOf("/search", {}, query)).toBe("/search?q=a+b&skip=0");
});
