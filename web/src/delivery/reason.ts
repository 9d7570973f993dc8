/** The obstacle or failure of a command, in the page's language. */
import type { Delivery } from "../api/types";
import { en, type Key } from "../i18n/en";
import { type Language, language, translate } from "../i18n/i18n";

/** By the server's code, else in the server's words. */
export function reasonText(
  { error, error_code }: Pick<Delivery, "error" | "error_code">,
  as: Language = language,
): string {
  if (!error) return "";
  const key = `delivery.error.${error_code ?? ""}`;
  if (!Object.hasOwn(en, key)) return error;
  return translate(as, key as Key, { detail: detail(error, error_code) });
}

/** What the server adds to the code: a dialog's name, or the words after the first colon. */
function detail(error: string, code: Delivery["error_code"]): string {
  const colon = error.indexOf(": ");
  return code === "dialog" || colon < 0 ? error : error.slice(colon + 2);
}
