/** Frames of the terminal's binary protocol `wxcode.v1`; docs/protocol.md has their layout. */

/** The WebSocket sub-protocol's name, with the version. */
export const PROTOCOL = "wxcode.v1";
/** Most unacknowledged bytes on the way to the page; a single snapshot may exceed this number. */
export const CREDIT = 256 << 10; // 256 KiB
/** Largest rows or columns of a session. */
export const SIZE_MAX = 500;

export interface Size {
  cols: number;
  rows: number;
}

export interface Status {
  /** Empty where the project never had a session. */
  sessionId: string;
  /** Whether the session runs; else its last screen and its end follow. */
  connected: boolean;
  resumed: boolean;
  message: string | null;
  /** A notice for the user, such as a lost conversation. */
  notice: { code: string; message: string } | null;
  /** The number of this client's newest input in the session; 0 for none. */
  input: number;
  readOnly: boolean;
  /** Why the session's log is off. */
  logOff: string | null;
  /** Output before this offset is a replay. */
  live: number;
  /** This client's number among those of the session; 0 if the server does not say. */
  client: number;
}

export interface Exit {
  code: number | null;
  signal: number | null;
  /** `exited`, `signaled`, `stopped` on request, or what went wrong. */
  reason: string | null;
}

export type ClientFrame =
  /** Numbers count up from 1. */
  | { type: "input"; number: number; bytes: Uint8Array }
  | { type: "resize"; size: Size }
  | { type: "redraw"; history: number }
  | { type: "ack"; offset: number }
  | { type: "drive" }
  /** Asks for a `pong`: a page cannot see the pings of a WebSocket. */
  | { type: "ping" };

export type ServerFrame =
  | { type: "status"; status: Status }
  | { type: "snapshot"; offset: number; size: Size; bytes: Uint8Array }
  | { type: "output"; offset: number; bytes: Uint8Array }
  | { type: "resized"; offset: number; size: Size }
  | { type: "input_taken"; number: number }
  | { type: "input_refused"; number: number; reason: string }
  | { type: "exited"; exit: Exit }
  | { type: "error"; code: string; message: string }
  | { type: "role"; driver: boolean }
  | { type: "pong" };

/** A message without the layout of its type. */
export class Malformed extends Error {}

const CLIENT = { input: 4, resize: 6, redraw: 12, ack: 16, drive: 17, ping: 18 } as const;
const SERVER = {
  snapshot: 65,
  output: 66,
  resized: 67,
  inputTaken: 70,
  inputRefused: 71,
  exited: 76,
  error: 77,
  status: 80,
  role: 81,
  pong: 83,
} as const;

/** Encodes a message. Sizes are clamped to the protocol's bounds. */
export function encodeFrame(frame: ClientFrame): Uint8Array<ArrayBuffer> {
  switch (frame.type) {
    case "input": {
      const message = new Uint8Array(9 + frame.bytes.length);
      message.set(frame.bytes, 9);
      return numbered(message, CLIENT.input, frame.number);
    }
    case "resize": {
      const message = new Uint8Array(5);
      const view = new DataView(message.buffer);
      view.setUint8(0, CLIENT.resize);
      view.setUint16(1, bounded(frame.size.cols));
      view.setUint16(3, bounded(frame.size.rows));
      return message;
    }
    case "redraw": {
      const message = new Uint8Array(5);
      const view = new DataView(message.buffer);
      view.setUint8(0, CLIENT.redraw);
      view.setUint32(1, frame.history);
      return message;
    }
    case "ack":
      return numbered(new Uint8Array(9), CLIENT.ack, frame.offset);
    case "drive":
      return Uint8Array.of(CLIENT.drive);
    case "ping":
      return Uint8Array.of(CLIENT.ping);
  }
}

/**
 * Decodes a message; `null` for a type without a meaning for the page. Throws `Malformed` for a
 * wrong layout. `bytes` are a view of `data`.
 */
export function decodeFrame(data: ArrayBuffer): ServerFrame | null {
  const view = new DataView(data);
  if (data.byteLength === 0) throw new Malformed("an empty message");
  const rest = (at: number): Uint8Array => new Uint8Array(data, at);
  try {
    switch (view.getUint8(0)) {
      case SERVER.snapshot:
        return { type: "snapshot", offset: number(view, 1), size: size(view, 9), bytes: rest(13) };
      case SERVER.output:
        return { type: "output", offset: number(view, 1), bytes: rest(9) };
      case SERVER.resized:
        return { type: "resized", offset: number(view, 1), size: size(view, 9) };
      case SERVER.inputTaken:
        return { type: "input_taken", number: number(view, 1) };
      case SERVER.inputRefused:
        return { type: "input_refused", number: number(view, 1), reason: text(rest(9)) };
      case SERVER.exited:
        return { type: "exited", exit: exit(record(rest(1))) };
      case SERVER.error: {
        const { code, message } = record(rest(1));
        return { type: "error", code: string(code) ?? "", message: string(message) ?? "" };
      }
      case SERVER.status:
        return { type: "status", status: status(record(rest(1))) };
      case SERVER.role: {
        const role = view.getUint8(1);
        if (role > 1) throw new Malformed("an unknown role");
        return { type: "role", driver: role === 1 };
      }
      case SERVER.pong:
        return { type: "pong" };
      default:
        return null;
    }
  } catch (error) {
    // A field past the end is a RangeError, bad JSON a SyntaxError, bad UTF-8 a TypeError.
    throw error instanceof Malformed ? error : new Malformed(String(error));
  }
}

function numbered(message: Uint8Array<ArrayBuffer>, kind: number, value: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(message.buffer);
  view.setUint8(0, kind);
  view.setUint32(1, Math.floor(value / 2 ** 32));
  view.setUint32(5, value % 2 ** 32);
  return message;
}

/** A `u64`; a number is exact up to 2^53, enough for nine petabytes of output. */
function number(view: DataView, at: number): number {
  const value = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  if (!Number.isSafeInteger(value)) throw new Malformed("a number above 2^53");
  return value;
}

function size(view: DataView, at: number): Size {
  const [cols, rows] = [view.getUint16(at), view.getUint16(at + 2)];
  if (cols !== bounded(cols) || rows !== bounded(rows)) throw new Malformed(`a size of ${cols}×${rows}`);
  return { cols, rows };
}

const bounded = (cells: number): number => Math.min(Math.max(Math.trunc(cells), 1), SIZE_MAX);
const utf8 = new TextDecoder("utf-8", { fatal: true });
const text = (bytes: Uint8Array): string => utf8.decode(bytes);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const string = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const numeric = (value: unknown): number | null => (typeof value === "number" ? value : null);

function record(json: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(text(json));
  if (!isRecord(value)) throw new Malformed("JSON that is no object");
  return value;
}

function exit(value: Record<string, unknown>): Exit {
  return { code: numeric(value.code), signal: numeric(value.signal), reason: string(value.reason) };
}

function status(value: Record<string, unknown>): Status {
  const connected = value.connected !== false;
  const sessionId = string(value.session_id) ?? "";
  if (connected && sessionId === "") throw new Malformed("a status without a session");
  return {
    sessionId,
    connected,
    resumed: value.resumed === true,
    message: string(value.message),
    notice: notice(value.notice),
    input: numeric(value.input) ?? 0,
    readOnly: value.read_only === true,
    logOff: string(value.log_off),
    live: numeric(value.live) ?? 0,
    client: numeric(value.client) ?? 0,
  };
}

function notice(value: unknown): Status["notice"] {
  if (!isRecord(value)) return null;
  const code = string(value.code);
  return code === null ? null : { code, message: string(value.message) ?? code };
}
