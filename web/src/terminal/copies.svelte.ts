/** Copies by the agent (OSC 52), with the user's consent for the project. */
import { t } from "../i18n/i18n";
import { type Copied, consent, keepConsent, writeClipboard } from "./clipboard";
import type { Notes } from "./notes.svelte";

export class Copies {
  /** A copied text that waits for the user. */
  text = $state<string | null>(null);
  readonly #projectId: string;
  readonly #notes: Notes;

  constructor(projectId: string, notes: Notes) {
    this.#projectId = projectId;
    this.#notes = notes;
  }

  /** The user has not been asked in this project. */
  get asks(): boolean {
    return consent(this.#projectId) === null;
  }

  /** The agent wrote to the clipboard. */
  async take(copied: Copied): Promise<void> {
    if (copied === "too_large") return this.#notes.warn(t("copy.too_large"));
    const given = consent(this.#projectId);
    if (given === false) return;
    const done = given === true && (await writeClipboard(copied.text, false));
    this.text = done ? null : copied.text;
    if (done) this.#notes.say(t("copy.done"));
  }

  /** The user lets the agent copy, in this project from now on. */
  async agree(): Promise<void> {
    const text = this.text ?? "";
    this.text = null;
    keepConsent(this.#projectId, true);
    await this.copy(text);
  }

  refuse(): void {
    this.text = null;
    if (this.asks) keepConsent(this.#projectId, false);
  }

  /** Copies a text at a click of the user. */
  async copy(text: string): Promise<void> {
    this.tell(await writeClipboard(text, true));
  }

  tell(done: boolean): void {
    this.#notes.say(t(done ? "copy.done" : "copy.failed"));
  }
}
