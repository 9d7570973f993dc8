/** An error in words: by the server's code in the page's language, else in the server's words. */
import { ApiError } from "../api/client";
import { en, type Key } from "../i18n/en";
import { t } from "../i18n/i18n";

export function problemText(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const key = `problem.${error.code ?? ""}`;
  // Of the name of the other project the text is in need.
  const known = Object.hasOwn(en, key) && (error.code !== "workspace_taken" || error.subject !== null);
  if (known) return t(key as Key, { name: error.subject ?? "" });
  return error.message || t("error.unreachable");
}
