import { expect, test } from "vitest";
import { en } from "../i18n/en";
import { ptBr } from "../i18n/pt_br";
import { reasonText } from "./reason";

test("a failure is in the page's language", () => {
  const failed = {
    error: "the agent ended before it took the command: retry",
    error_code: "agent_ended",
  } as const;
  expect(reasonText(failed, "pt-BR")).toBe(ptBr["delivery.error.agent_ended"]);
  expect(reasonText(failed, "en")).toBe(en["delivery.error.agent_ended"]);
});

test("details stay in their own words", () => {
  const refused = {
    error: "a hook of yours (UserPromptSubmit) refused the command: policy: no",
    error_code: "hook_refused",
  } as const;
  expect(reasonText(refused, "pt-BR")).toBe("Um hook seu recusou o comando: policy: no");
  const dialog = { error: "settings_error: a file", error_code: "dialog" } as const;
  expect(reasonText(dialog, "en")).toBe("A dialog is open: settings_error: a file");
});

test("an unknown reason is in the server's words", () => {
  expect(reasonText({ error: "something new", error_code: "other" }, "pt-BR")).toBe("something new");
  expect(reasonText({ error: null, error_code: null }, "pt-BR")).toBe("");
});
