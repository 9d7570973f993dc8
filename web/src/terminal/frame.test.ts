import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame, Malformed } from "./frame";

/** A message from character codes, like the server's tests. */
const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (unit) => unit.charCodeAt(0));
const decode = (text: string) => decodeFrame(bytes(text).buffer);
const json = (kind: string, value: object) =>
  decodeFrame(new TextEncoder().encode(kind + JSON.stringify(value)).buffer);

describe("what the page says", () => {
  it("has the documented layout", () => {
    expect(encodeFrame({ type: "input", number: 258, bytes: bytes("hi") })).toEqual(
      bytes("\x04\0\0\0\0\0\0\x01\x02hi"),
    );
    expect(encodeFrame({ type: "resize", size: { cols: 300, rows: 40 } })).toEqual(
      bytes("\x06\x01\x2c\0\x28"),
    );
    expect(encodeFrame({ type: "redraw", history: 256 << 10 })).toEqual(bytes("\x0c\0\x04\0\0"));
    expect(encodeFrame({ type: "ack", offset: 2 ** 40 })).toEqual(bytes("\x10\0\0\x01\0\0\0\0\0"));
    expect(encodeFrame({ type: "drive" })).toEqual(bytes("\x11"));
    expect(encodeFrame({ type: "ping" })).toEqual(bytes("\x12"));
  });

  it("carries numbers up to 2^53 exactly", () => {
    const last = encodeFrame({ type: "ack", offset: Number.MAX_SAFE_INTEGER });
    expect(last).toEqual(bytes("\x10\0\x1f\xff\xff\xff\xff\xff\xff"));
    const edge = encodeFrame({ type: "ack", offset: 2 ** 32 - 1 });
    expect(edge).toEqual(bytes("\x10\0\0\0\0\xff\xff\xff\xff"));
  });

  it("stays within the bounds of a size", () => {
    expect(encodeFrame({ type: "resize", size: { cols: 9999, rows: 0 } })).toEqual(
      bytes("\x06\x01\xf4\0\x01"),
    );
    expect(encodeFrame({ type: "resize", size: { cols: 80.7, rows: 24 } })).toEqual(
      bytes("\x06\0\x50\0\x18"),
    );
  });
});

describe("what the server says", () => {
  it("is read by the documented layout", () => {
    expect(decode("\x41\0\0\0\0\0\0\0\x01\x01\x2c\0\x28x")).toEqual({
      type: "snapshot",
      offset: 1,
      size: { cols: 300, rows: 40 },
      bytes: bytes("x"),
    });
    expect(decode("\x43\0\0\0\0\0\0\0\x02\x01\x2c\0\x28")).toEqual({
      type: "resized",
      offset: 2,
      size: { cols: 300, rows: 40 },
    });
    expect(decode("\x42\0\0\0\x01\0\0\0\x05\xff\0")).toEqual({
      type: "output",
      offset: 2 ** 32 + 5,
      bytes: bytes("\xff\0"),
    });
    expect(decode("\x53")).toEqual({ type: "pong" });
    expect(decode("\x46\0\0\0\0\0\0\0\x04")).toEqual({ type: "input_taken", number: 4 });
    expect(decode("\x47\0\0\0\0\0\0\0\x05cheio\xc3\xa1")).toEqual({
      type: "input_refused",
      number: 5,
      reason: "cheioá",
    });
    expect(decode("\x51\0")).toEqual({ type: "role", driver: false });
    expect(decode("\x51\x01")).toEqual({ type: "role", driver: true });
  });

  it("holds offsets that a number holds, and refuses larger ones", () => {
    expect(decode("\x42\0\x1f\xff\xff\xff\xff\xff\xff")).toMatchObject({ offset: Number.MAX_SAFE_INTEGER });
    expect(() => decode("\x42\0\x20\0\0\0\0\0\0")).toThrow(Malformed);
    expect(() => decode("\x46\xff\xff\xff\xff\xff\xff\xff\xff")).toThrow(Malformed);
  });

  it("names the session in its status", () => {
    expect(
      json("P", {
        session_id: "0123",
        claude_session_id: null,
        resumed: true,
        message: "olá",
        notice: { code: "conversation_lost", message: "gone" },
        input: 9,
        read_only: true,
        log_off: "the disk is full",
        live: 12,
        client: 0,
      }),
    ).toEqual({
      type: "status",
      status: {
        sessionId: "0123",
        resumed: true,
        message: "olá",
        notice: { code: "conversation_lost", message: "gone" },
        input: 9,
        connected: true,
        readOnly: true,
        logOff: "the disk is full",
        live: 12,
        client: 0,
      },
    });
    expect(json("P", { session_id: "s", resumed: false, message: null, newer: 1 })).toMatchObject({
      status: { connected: true, input: 0, readOnly: false, logOff: null, notice: null, message: null },
    });
    expect(() => json("P", { session_id: null })).toThrow(Malformed);
  });

  it("tells errors and the end", () => {
    expect(json("L", { code: 3, signal: null, at: "2026-01-01T00:00:00Z", reason: "exited" })).toEqual({
      type: "exited",
      exit: { code: 3, signal: null, reason: "exited" },
    });
    expect(json("M", { code: "READ_ONLY", message: "no" })).toEqual({
      type: "error",
      code: "READ_ONLY",
      message: "no",
    });
  });

  it("is passed over where the type is not known, and refused where it is malformed", () => {
    expect(decode("\xc8x")).toBeNull();
    expect(json("R", { type: "bash" })).toBeNull();
    for (const bad of [
      "",
      "\x50{",
      "\x50[]",
      "\x41\0",
      "\x41\0\0\0\0\0\0\0\x01\x01\xf5\0\x28x",
      "\x42\0\0\0",
      "\x43\0\0\0\0\0\0\0\0\0\0\0\0",
      "\x51\x02",
      "\x51",
      "\x47\0\0\0\0\0\0\0\0\xff",
    ]) {
      expect(() => decode(bad), JSON.stringify(bad)).toThrow(Malformed);
    }
  });
});
