/** The page's language: the user's choice, else the browser's. */
import { type Dictionary, en, type Key } from "./en";
import { ptBr } from "./pt_br";

export type { Key } from "./en";
export type Language = "en" | "pt-BR";
export type Values = Record<string, string | number>;

const DICTIONARIES: Record<Language, Dictionary> = { en, "pt-BR": ptBr };

/** The first supported language of the browser's list. */
export function chooseLanguage(wished: readonly string[]): Language {
  for (const tag of wished) {
    const primary = tag.toLowerCase().split("-")[0];
    if (primary === "pt") return "pt-BR";
    if (primary === "en") return "en";
  }
  return "en";
}

/**
 * The text for a key. `{name}` is replaced by its value, numbers as the language writes them;
 * `{name#}` by its place in an order; `{name|file|files}` by the form that the number needs.
 */
export function translate(as: Language, key: Key, values: Values = {}): string {
  return DICTIONARIES[as][key].replace(
    /\{(\w+)(#)?(?:\|([^|}]*)\|([^}]*))?\}/g,
    (whole, name: string, order: string | undefined, one: string | undefined, other: string | undefined) => {
      const value = values[name];
      if (value === undefined) return whole;
      if (typeof value === "string") return value;
      if (one !== undefined) return (new Intl.PluralRules(as).select(value) === "one" ? one : other) ?? "";
      return order ? nth(as, value) : new Intl.NumberFormat(as).format(value);
    },
  );
}

/** "2nd", "2º". */
function nth(as: Language, place: number): string {
  if (as === "pt-BR") return `${place}º`;
  const ends: Partial<Record<Intl.LDMLPluralRule, string>> = { one: "st", two: "nd", few: "rd" };
  return `${place}${ends[new Intl.PluralRules(as, { type: "ordinal" }).select(place)] ?? "th"}`;
}

const LANGUAGE_KEY = "wxcode.language";
export const LANGUAGES: readonly Language[] = ["en", "pt-BR"];

/** The user's choice in this browser; `null` follows the browser. */
export function keptLanguage(): Language | null {
  const kept = typeof localStorage === "undefined" ? null : localStorage.getItem(LANGUAGE_KEY);
  return LANGUAGES.find((one) => one === kept) ?? null;
}

/** The page's texts are read once, so a change shows after a reload. */
export function keepLanguage(wanted: Language | null): void {
  if (wanted) localStorage.setItem(LANGUAGE_KEY, wanted);
  else localStorage.removeItem(LANGUAGE_KEY);
  location.reload();
}

export const language: Language =
  keptLanguage() ?? chooseLanguage(typeof navigator === "undefined" ? [] : navigator.languages);

export const t = (key: Key, values?: Values): string => translate(language, key, values);

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** A relative time; a date after more than a week. */
export function ago(time: string, now: number = Date.now(), as: Language = language): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return "";
  const past = now - at;
  if (past >= 7 * 86_400_000) return new Date(at).toLocaleDateString(as, { dateStyle: "medium" });
  const format = new Intl.RelativeTimeFormat(as, { numeric: "auto" });
  for (const [unit, ms] of UNITS) if (past >= ms) return format.format(-Math.floor(past / ms), unit);
  return format.format(0, "second");
}

/** A moment ahead, as date and time of day. */
export function moment(time: string, as: Language = language): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return time;
  return new Date(at).toLocaleString(as, { dateStyle: "short", timeStyle: "short" });
}

/** A time of day, with the date. */
export function instant(time: string, as: Language = language): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return time;
  return new Date(at).toLocaleString(as, { dateStyle: "medium", timeStyle: "medium" });
}
