import { expect, it } from "vitest";
import {
  changesHref,
  conversationHref,
  parseRoute,
  peopleHref,
  projectHref,
  readOnlyHref,
  searchHref,
} from "./route";

const id = "0123456789abcdef01234567";

it("reads the addresses that it writes", () => {
  expect(parseRoute(projectHref(id))).toEqual({ page: "project", id, readOnly: false });
  expect(parseRoute(`${projectHref(id)}/`)).toEqual({ page: "project", id, readOnly: false });
  expect(parseRoute(readOnlyHref(id))).toEqual({ page: "project", id, readOnly: true });
  expect(parseRoute(peopleHref)).toEqual({ page: "people" });
  expect(parseRoute(searchHref("a & b", id))).toEqual({ page: "search", words: "a & b", project: id });
  expect(parseRoute(changesHref(id, id))).toEqual({ page: "changes", id, milestone: id });
  const none = { conversation: null, before: null, turn: null };
  expect(parseRoute(conversationHref(id))).toEqual({ page: "conversation", id, ...none });
  const at = { conversation: "c", before: "9", turn: "t" };
  expect(parseRoute(conversationHref(id, at))).toEqual({ page: "conversation", id, ...at });
  for (const home of ["", "#", "#/"]) expect(parseRoute(home)).toEqual({ page: "projects" });
});

it("takes other addresses for unknown", () => {
  const odd = ["#/projects/1", "#/projects/", "#/x", `#/projects/${id}/../x`, "#/x?read_only"];
  for (const hash of [...odd, `#/projects/${id}/milestones/1/changes`, "#/people/1"])
    expect(parseRoute(hash)).toEqual({ page: "unknown" });
});
