/** The settings of a project as fields of a form, and the change that they make. */
import type { OutputProject, ProjectChange } from "../api/types";

export const MODES = ["default", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions"] as const;

export interface Fields {
  name: string;
  workspace: string;
  mode: string;
  model: string;
  /** Minutes of idleness until hibernation; empty for the server's. */
  hibernate: string;
  /** One argument a line; empty for the server's. */
  args: string;
  /** `NAME=value` a line sets a variable, `NAME=` with nothing removes it. */
  env: string;
}

export const fieldsOf = ({ name, workspace_path, settings }: OutputProject): Fields => ({
  name,
  workspace: workspace_path,
  mode: settings?.permission_mode ?? "",
  model: settings?.model ?? "",
  hibernate: settings?.hibernate_after_s ? String(settings.hibernate_after_s / 60) : "",
  args: (settings?.args ?? []).join("\n"),
  env: "",
});

/** Returns only the changed fields, so that a save does not undo another person's changes. */
export function changeOf(before: Fields, now: Fields): ProjectChange {
  const settings: NonNullable<ProjectChange["settings"]> = {};
  if (now.mode !== before.mode) settings.permission_mode = now.mode || null;
  if (now.model.trim() !== before.model) settings.model = now.model.trim() || null;
  if (now.hibernate !== before.hibernate)
    settings.hibernate_after_s = now.hibernate === "" ? null : Math.round(Number(now.hibernate) * 60);
  if (now.args !== before.args) {
    const args = now.args.split("\n").filter((line) => line !== "");
    settings.args = args.length > 0 ? args : null;
  }
  const env = variables(now.env);
  if (Object.keys(env).length > 0) settings.env = env;
  return {
    ...(now.name.trim() !== before.name && { name: now.name.trim() }),
    ...(now.workspace.trim() !== before.workspace && { workspace_path: now.workspace.trim() }),
    ...(Object.keys(settings).length > 0 && { settings }),
  };
}

function variables(text: string): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at <= 0) continue;
    changes[line.slice(0, at).trim()] = line.slice(at + 1) || null;
  }
  return changes;
}
