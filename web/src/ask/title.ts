/** The heading of a question. */
import type { Ask } from "../api/types";
import { t } from "../i18n/i18n";

export function titleOf({ kind, dialog, tool_name }: Ask): string {
  if (kind === "question") return t("ask.question");
  if (kind === "permission")
    return tool_name ? t("ask.permission", { tool: tool_name }) : t("ask.permission_some");
  if (dialog === "trust_folder") return t("ask.trust_folder");
  if (dialog === "other") return t("ask.dialog_other");
  return t("ask.dialog", { dialog: dialog.replaceAll("_", " ") });
}
