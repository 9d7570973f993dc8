/** Files that the user pastes or drops: they go to the server, and their paths into the prompt. */

/** Largest file that the server takes, in bytes. */
export const UPLOAD_MAX = 16 << 20; // 16 MiB

/** The files of a paste or a drop; none when it also has text, which is what the user means then. */
export function filesOf(data: DataTransfer | null): File[] {
  if (!data || data.types.includes("text/plain")) return [];
  return [...data.files];
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
};

/** A name for a pasted image, which has none of its own. */
export function nameOf({ name, type }: Pick<File, "name" | "type">, now: Date = new Date()): string {
  if (name !== "" && !/^image\.\w+$/.test(name)) return name;
  const extension = EXTENSIONS[type] ?? name.split(".").at(-1) ?? "bin";
  return `pasted-${now.toISOString().replace(/[:.]/g, "-").slice(0, 19)}.${extension}`;
}

/** A path as the agent's prompt takes it, with a space after it. */
export const mention = (path: string): string =>
  `${/[\s'"\\]/.test(path) ? `'${path.replaceAll("'", "'\\''")}'` : path} `;
