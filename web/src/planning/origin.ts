/** Which milestone something in the workspace comes from, in words. */
import type { Created, Milestone, Misplaced } from "../api/types";

/** What people call a milestone; `null` for one that nobody knows any more. */
export function nameOf(
  id: string | null | undefined,
  created: readonly Pick<Created, "milestone_id" | "element_name">[],
  milestones: readonly Pick<Milestone, "id" | "element_name">[],
): string | null {
  if (!id) return null;
  const known = milestones.find((milestone) => milestone.id === id);
  return known?.element_name ?? created.find(({ milestone_id }) => milestone_id === id)?.element_name ?? null;
}

/** A misplaced path, with the milestone that made it where that is known. */
export function misplacedText(one: Misplaced, who: (id: string | null | undefined) => string | null): string {
  if (typeof one === "string") return one;
  const name = one.element_name ?? who(one.milestone_id);
  return name ? `${one.path} (${name})` : one.path;
}
