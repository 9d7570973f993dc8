import { describe, expect, it } from "vitest";
import { INPUT_PART_MAX, inputMessages, parseMessage, resizeMessage } from "./message";

describe("parseMessage", () => {
  it("reads a status", () => {
    const frame =
      '{"type":"status","connected":true,"session_id":"s","claude_session_id":"c","resumed":true,"message":"Hi"}';
    expect(parseMessage(frame)).toEqual({
      type: "status",
      sessionId: "s",
      claudeSessionId: "c",
      resumed: true,
      message: "Hi",
      notice: null,
    });
  });

  it("reads a status before there is a session", () => {
    expect(parseMessage('{"type":"status","connected":true,"session_id":null}')).toMatchObject({
      sessionId: null,
      resumed: false,
      message: null,
    });
  });

  it("reads the notice of a lost conversation", () => {
    const frame =
      '{"type":"status","session_id":"s","notice":{"code":"conversation_lost","message":"Gone."}}';
    expect(parseMessage(frame)).toMatchObject({ notice: { code: "conversation_lost", message: "Gone." } });
  });

  it("reads output with its control characters", () => {
    expect(parseMessage('{"type":"output","data":"\\u001b[1mé🙂"}')).toEqual({
      type: "output",
      data: "\x1b[1mé🙂",
    });
  });

  it("reads errors and the end", () => {
    expect(parseMessage('{"type":"error","message":"too large","code":"TOO_LARGE"}')).toEqual({
      type: "error",
      message: "too large",
      code: "TOO_LARGE",
    });
    expect(parseMessage('{"type":"closed","exit_code":3,"signal":null}')).toEqual({
      type: "closed",
      exitCode: 3,
      signal: null,
    });
    expect(parseMessage('{"type":"closed","exit_code":null,"signal":9}')).toMatchObject({ signal: 9 });
  });

  it("ignores other types and what is not the protocol", () => {
    for (const frame of [
      '{"type":"task_create","subject":"x"}',
      '{"type":"output"}',
      '{"data":"x"}',
      "[]",
      "null",
      "1",
      "{",
      "",
      new ArrayBuffer(2),
      undefined,
    ]) {
      expect(parseMessage(frame), String(frame)).toBeNull();
    }
  });
});

describe("inputMessages", () => {
  const joined = (data: string, max?: number) =>
    inputMessages(data, max).map((message) => (message.type === "input" ? message.data : ""));

  it("sends keys as they are, and nothing for nothing", () => {
    expect(inputMessages("\x03")).toEqual([{ type: "input", data: "\x03" }]);
    expect(inputMessages("")).toEqual([]);
  });

  it("cuts a large paste into ordered parts that the server takes", () => {
    const paste = "é".repeat(INPUT_PART_MAX * 2 + 5);
    const parts = joined(paste);
    expect(parts.length).toBe(3);
    expect(parts.join("")).toBe(paste);
    for (const part of parts) expect(new TextEncoder().encode(part).length).toBeLessThan(4 << 20);
  });

  it("never cuts inside a character", () => {
    for (let max = 1; max < 9; max += 1) {
      const parts = joined("a🙂b🙂🙂c", max);
      expect(parts.join("")).toBe("a🙂b🙂🙂c");
      if (max > 1) for (const part of parts) expect(part.isWellFormed(), `${max}: ${part}`).toBe(true);
    }
  });
});

describe("resizeMessage", () => {
  it("stays within the server's bounds", () => {
    expect(resizeMessage(80.7, 24)).toEqual({ type: "resize", cols: 80, rows: 24 });
    expect(resizeMessage(9999, 0)).toEqual({ type: "resize", cols: 500, rows: 1 });
  });
});
