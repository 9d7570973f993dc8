/** The page's language, from the browser's preferences. */
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

/** The text for a key, with `{name}` replaced by its value. */
export function translate(language: Language, key: Key, values: Values = {}): string {
  return DICTIONARIES[language][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}

export const language: Language = chooseLanguage(typeof navigator === "undefined" ? [] : navigator.languages);

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
