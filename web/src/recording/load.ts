/** Requests a recording, at most the beginning that the page plays. */
import { recordingAddress } from "../api/calls";
import { failureOf } from "../api/client";
import { CAST_MAX, type Cast, parseCast } from "./cast";

export interface Loaded {
  cast: Cast;
  /** The recording is longer than the page plays. */
  cut: boolean;
}

export async function loadCast(
  projectId: string,
  signal: AbortSignal,
  onbytes: (bytes: number) => void,
): Promise<Loaded> {
  const response = await fetch(recordingAddress(projectId), { signal });
  if (!response.ok || !response.body) throw await failureOf(response);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    parts.push(decoder.decode(value, { stream: true }));
    onbytes(bytes);
    if (bytes < CAST_MAX) continue;
    void reader.cancel();
    break;
  }
  return { cast: parseCast(parts.join("")), cut: bytes >= CAST_MAX };
}
