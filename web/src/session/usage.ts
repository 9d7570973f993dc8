/** The known parts of a session's usage, in the order of their importance. */
import type { Usage } from "../api/types";
import { type Key, language } from "../i18n/i18n";

export interface Fact {
  key: Key;
  /** A part of 1, or `null` for a plain text. */
  share: number | null;
  text: string;
}

export function usageFacts(usage: Usage | null): Fact[] {
  if (!usage) return [];
  const facts: Fact[] = [];
  const share = (key: Key, percent: number | null) => {
    if (percent !== null && percent !== undefined)
      facts.push({ key, share: Math.min(Math.max(percent, 0), 100) / 100, text: "" });
  };
  share("usage.context", usage.context_percent);
  share("usage.five_hour", usage.five_hour_percent);
  share("usage.seven_day", usage.seven_day_percent);
  const tokens = (usage.input_tokens ?? 0) + (usage.output_tokens ?? 0);
  if (tokens > 0)
    facts.push({
      key: "usage.tokens",
      share: null,
      text: new Intl.NumberFormat(language, { notation: "compact" }).format(tokens),
    });
  if (usage.cost_usd)
    facts.push({
      key: "usage.cost",
      share: null,
      text: new Intl.NumberFormat(language, { style: "currency", currency: "USD" }).format(usage.cost_usd),
    });
  return facts;
}
