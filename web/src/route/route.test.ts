import { expect, it } from "vitest";
import { parseRoute, projectHref, readOnlyHref } from "./route";

it("reads the addresses that it writes", () => {
  const id = "0123456789abcdef01234567";
  expect(parseRoute(projectHref(id))).toEqual({ page: "project", id, readOnly: false });
  expect(parseRoute(`${projectHref(id)}/`)).toEqual({ page: "project", id, readOnly: false });
  expect(parseRoute(readOnlyHref(id))).toEqual({ page: "project", id, readOnly: true });
  for (const home of ["", "#", "#/"]) expect(parseRoute(home)).toEqual({ page: "projects" });
  for (const odd of ["#/projects/1", "#/projects/", "#/x", `#/projects/${id}/../x`, "#/x?read_only"]) {
    expect(parseRoute(odd)).toEqual({ page: "unknown" });
  }
});
