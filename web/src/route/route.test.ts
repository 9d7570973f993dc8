import { expect, it } from "vitest";
import { parseRoute, projectHref } from "./route";

it("reads the addresses that it writes", () => {
  const id = "0123456789abcdef01234567";
  expect(parseRoute(projectHref(id))).toEqual({ page: "project", id });
  expect(parseRoute(`${projectHref(id)}/`)).toEqual({ page: "project", id });
  for (const home of ["", "#", "#/"]) expect(parseRoute(home)).toEqual({ page: "projects" });
  for (const odd of ["#/projects/1", "#/projects/", "#/x", `#/projects/${id}/../x`]) {
    expect(parseRoute(odd)).toEqual({ page: "unknown" });
  }
});
