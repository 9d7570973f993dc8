/** Times until a credential expires, as choices. */
import type { Key } from "../i18n/i18n";

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

export const EXPIRIES: readonly { seconds: number; key: Key; count: number }[] = [
  { seconds: HOUR_S, key: "people.hours", count: 1 },
  { seconds: DAY_S, key: "people.days", count: 1 },
  { seconds: 7 * DAY_S, key: "people.days", count: 7 },
  { seconds: 30 * DAY_S, key: "people.days", count: 30 },
  { seconds: 365 * DAY_S, key: "people.days", count: 365 },
];
