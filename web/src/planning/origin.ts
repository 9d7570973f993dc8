/** Names the milestone behind an entry of the workspace. */
import type { Created, Milestone } from "../api/types";

/** The milestone's name; `null` for an unknown milestone. */
export function nameOf(
  id: string | null | undefined,
  created: readonly Pick<Created, "milestone_id" | "element_name">[],
  milestones: readonly Pick<Milestone, "id" | "element_name">[],
): string | null {
  if (!id) return null;
  const known = milestones.find((milestone) => milestone.id === id);
  return known?.element_name ?? created.find(({ milestone_id }) => milestone_id === id)?.element_name ?? null;
}

/** A misplaced path, with the name of its folder's milestone. */
export function misplacedText(path: string, who: (id: string) => string | null): string {
  const id = /^\.milestones\/([0-9a-f]{24})\//.exec(path)?.[1];
  const name = id ? who(id) : null;
  return name ? `${path} (${name})` : path;
}
