/** How much of a project's conversations is kept in their copies. */
import type { Kept } from "../api/types";
import { language, t } from "../i18n/i18n";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** A size in the largest fitting unit of 1,024. */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const style = { style: "unit", unit: UNITS[unit], unitDisplay: "short" } as const;
  return new Intl.NumberFormat(language, { ...style, maximumFractionDigits: value < 10 ? 1 : 0 }).format(
    value,
  );
}

/** The sentences about the copies, the most usual first. */
export function keptTexts(kept: Kept | null | undefined): string[] {
  if (kept === undefined) return [];
  if (kept === null) return [t("kept.none")];
  const texts = [t("kept.size", { size: size(kept.bytes), max: size(kept.bytes_max) })];
  if (kept.dropped_bytes > 0) texts.push(t("kept.dropped", { size: size(kept.dropped_bytes) }));
  if (kept.damaged_entries > 0) texts.push(t("kept.damaged", { count: kept.damaged_entries }));
  return texts;
}
