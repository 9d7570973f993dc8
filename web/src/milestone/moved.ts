/** The origin and the reason of a milestone's status, in words. */
import type { Milestone } from "../api/types";
import { type Key, t } from "../i18n/i18n";

const BY: Readonly<Record<string, Key>> = { user: "milestone.by.user", delivery: "milestone.by.delivery" };

/** Empty before the first change, and when the command's own state says as much. */
export function movedText({
  status,
  status_by,
  status_reason,
}: Pick<Milestone, "status" | "status_by" | "status_reason">): string {
  if (!status_by) return "";
  const key = BY[status_by];
  const who = key ? t(key) : status_by;
  // "In progress" already means that the command was submitted.
  if (status === "in_progress" && status_by === "delivery") return who;
  return status_reason ? `${who}: ${status_reason}` : who;
}

/** The time of its present status: its end, its last change, or its creation. */
export const changedAt = ({
  status_by,
  completed_at,
  updated_at,
  created_at,
}: Pick<Milestone, "status_by" | "completed_at" | "updated_at" | "created_at">): string =>
  completed_at ?? (status_by ? updated_at : null) ?? created_at;

/** The newest milestone in work: the agent has one conversation, and so one milestone at a time. */
export const inWork = (newestFirst: readonly Milestone[]): string | null =>
  newestFirst.find(({ status }) => status === "in_progress")?.id ?? null;
