import { expect, it } from "vitest";
import type { OutputProject } from "../api/types";
import { changeOf, fieldsOf } from "./settings";

const project = {
  name: "Shop",
  workspace_path: "/srv/shop",
  settings: { permission_mode: null, model: "opus", args: ["--x"], env: ["KEY"], hibernate_after_s: 600 },
} as unknown as OutputProject;
const before = fieldsOf(project);

it("changes nothing without a change", () => {
  expect(changeOf(before, before)).toEqual({});
  expect(before.hibernate).toBe("10");
});

it("changes what differs, and clears to the server's", () => {
  const now = {
    ...before,
    name: " Shop 2 ",
    workspace: "/srv/2",
    mode: "plan",
    model: "",
    args: "",
    hibernate: "",
  };
  expect(changeOf(before, now)).toEqual({
    name: "Shop 2",
    workspace_path: "/srv/2",
    settings: { permission_mode: "plan", model: null, args: null, hibernate_after_s: null },
  });
});

it("sets and removes variables", () => {
  const change = changeOf(before, { ...before, env: "A=b=c\nKEY=\nnonsense\n" });
  expect(change).toEqual({ settings: { env: { A: "b=c", KEY: null } } });
});
