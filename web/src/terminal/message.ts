/** The messages of the terminal's JSON protocol, as they cross the WebSocket. */

/** Most characters of input in one message: at 3 bytes of UTF-8 each well under the server's 4 MiB. */
export const INPUT_PART_MAX = 256 * 1024;

/** Largest rows or columns that the server takes. */
export const SIZE_MAX = 500;

export type ClientMessage =
  | { type: "input"; data: string }
  | { type: "resize"; rows: number; cols: number }
  | { type: "signal"; signal: "SIGINT" | "SIGTERM" | "EOF" };

export interface StatusMessage {
  type: "status";
  sessionId: string | null;
  claudeSessionId: string | null;
  resumed: boolean;
  message: string | null;
  /** Something that the user must know, such as a conversation that is gone. */
  notice: { code: string; message: string } | null;
}

export type ServerMessage =
  | StatusMessage
  | { type: "output"; data: string }
  | { type: "error"; message: string; code: string | null }
  | { type: "closed"; exitCode: number | null; signal: number | null };

/** Reads one message. `null` for what this page does not show: other types, and what is not the protocol at all. */
export function parseMessage(frame: unknown): ServerMessage | null {
  if (typeof frame !== "string") return null;
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  switch (value.type) {
    case "status":
      return {
        type: "status",
        sessionId: text(value.session_id),
        claudeSessionId: text(value.claude_session_id),
        resumed: value.resumed === true,
        message: text(value.message),
        notice: notice(value.notice),
      };
    case "output":
      return typeof value.data === "string" ? { type: "output", data: value.data } : null;
    case "error":
      return { type: "error", message: text(value.message) ?? "", code: text(value.code) };
    case "closed":
      return { type: "closed", exitCode: number(value.exit_code), signal: number(value.signal) };
    default:
      return null;
  }
}

/** Cuts input into messages, between characters and in order. Empty input is no message. */
export function inputMessages(data: string, max: number = INPUT_PART_MAX): ClientMessage[] {
  const messages: ClientMessage[] = [];
  let start = 0;
  while (start < data.length) {
    let end = Math.min(start + max, data.length);
    // A surrogate pair is one character.
    if (end < data.length && end - start > 1 && isHighSurrogate(data.charCodeAt(end - 1))) end -= 1;
    messages.push({ type: "input", data: data.slice(start, end) });
    start = end;
  }
  return messages;
}

/** A resize within the server's bounds. */
export function resizeMessage(cols: number, rows: number): ClientMessage {
  return { type: "resize", rows: bounded(rows), cols: bounded(cols) };
}

const bounded = (cells: number): number => Math.min(Math.max(Math.trunc(cells), 1), SIZE_MAX);
const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

function notice(value: unknown): StatusMessage["notice"] {
  if (!isRecord(value)) return null;
  const code = text(value.code);
  return code === null ? null : { code, message: text(value.message) ?? code };
}
