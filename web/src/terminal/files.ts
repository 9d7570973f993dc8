/** Keeps pasted or dropped files on the server, and puts their paths into the prompt. */
import { uploadFile } from "../api/calls";
import { problemText } from "../control/problem";
import { t } from "../i18n/i18n";
import type { Notes } from "./notes.svelte";
import { mention, nameOf } from "./upload";

export async function keepFiles(
  projectId: string,
  files: readonly File[],
  notes: Notes,
  paste: (text: string) => void,
): Promise<void> {
  for (const file of files) {
    const name = nameOf(file);
    notes.say(t("terminal.uploading", { name }));
    try {
      const { path } = await uploadFile(projectId, name, file);
      paste(mention(path));
      notes.say(t("terminal.uploaded", { name }));
    } catch (failure) {
      notes.warn(problemText(failure));
    }
  }
}
