/** A tool's use in one line. */
import { visible } from "../ask/call";

/** Longest shown argument, in characters. */
const ARGUMENT_MAX = 140;
/** The fields that say most, in order. */
const TELLING = [
  "command",
  "file_path",
  "notebook_path",
  "pattern",
  "path",
  "url",
  "query",
  "description",
  "prompt",
];

export function toolTitle(name: string, input: unknown): string {
  if (typeof input !== "object" || input === null) return name;
  for (const field of TELLING) {
    const value: unknown = Reflect.get(input, field);
    if (typeof value !== "string" || value.trim() === "") continue;
    const [line = ""] = value.trim().split("\n");
    const shown = line.length > ARGUMENT_MAX ? `${line.slice(0, ARGUMENT_MAX)}…` : line;
    return `${name} ${visible(shown)}`;
  }
  return name;
}
