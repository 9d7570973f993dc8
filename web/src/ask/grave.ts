/** Dialogs with large consequences: they need an extra tick. */
import type { Key } from "../i18n/i18n";

interface Grave {
  means: Key;
  tick: Key;
}

const GRAVE: Readonly<Record<string, Grave>> = {
  trust_folder: { means: "ask.trust_folder.means", tick: "ask.trust_folder.tick" },
  bypass_permissions_warning: { means: "ask.bypass.means", tick: "ask.bypass.tick" },
};

export const grave = (dialog: string): Grave | null => GRAVE[dialog] ?? null;

/** Whether an option, in the agent's words, declines; all others agree. */
export const declines = (option: string): boolean => /^no\b/i.test(option.trim());
