import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Phase } from "./link";
import { FRESH_SCREEN, PENDING_MAX, TerminalSocket, UNSENT_MAX } from "./socket";

/** The server's end of a WebSocket, played by the test. */
class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  bufferedAmount = 0;
  closed = false;
  sent: unknown[] = [];
  constructor() {
    FakeSocket.all.push(this);
  }
  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(): void {
    this.closed = true;
  }
  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  drops(code: number, reason = ""): void {
    this.onclose?.({ code, reason });
  }
}

function setup() {
  const seen = {
    phases: [] as Phase["at"][],
    output: "",
    errors: [] as string[],
    logins: 0,
    drawn: [] as (() => void)[],
  };
  const socket = new TerminalSocket(() => new FakeSocket() as unknown as WebSocket, {
    phase: (phase) => seen.phases.push(phase.at),
    write: (data, drawn) => {
      seen.output += data;
      seen.drawn.push(drawn);
    },
    status: () => {},
    error: (message) => seen.errors.push(message),
    login: () => {
      seen.logins += 1;
    },
  });
  return { socket, seen };
}

const last = (): FakeSocket => FakeSocket.all.at(-1) ?? expect.fail("no socket was opened");

function attach(socket: TerminalSocket): FakeSocket {
  socket.start();
  last().onopen?.();
  last().says({ type: "status", connected: true, session_id: "s" });
  return last();
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe("TerminalSocket", () => {
  it("is connected only when the server has a session", () => {
    const { socket, seen } = setup();
    socket.start();
    last().onopen?.();
    last().says({ type: "status", connected: true, session_id: null });
    expect(seen.phases).toEqual(["connecting"]);
    last().says({ type: "status", connected: true, session_id: "s" });
    expect(seen.phases).toEqual(["connecting", "connected"]);
  });

  it("clears the screen before the first output of each connection, and only then", () => {
    const { socket, seen } = setup();
    attach(socket);
    last().says({ type: "output", data: "one" });
    last().says({ type: "output", data: "two" });
    last().drops(1006);
    vi.advanceTimersByTime(500);
    expect(FakeSocket.all.length).toBe(2);
    last().says({ type: "output", data: "three" });
    expect(seen.output).toBe(`${FRESH_SCREEN}onetwo${FRESH_SCREEN}three`);
  });

  it("sends input and size while connected, and says when it cannot", () => {
    const { socket } = setup();
    socket.start();
    expect(socket.input("early")).toBe(false);
    const fake = attach(socket);
    expect(socket.input("ls\r")).toBe(true);
    socket.resize(80, 24);
    expect(fake.sent).toEqual([
      { type: "input", data: "ls\r" },
      { type: "resize", rows: 24, cols: 80 },
    ]);
    fake.bufferedAmount = UNSENT_MAX;
    expect(socket.input("x")).toBe(false);
    fake.drops(1006);
    expect(socket.input("late")).toBe(false);
    expect(fake.sent.length).toBe(2);
  });

  it("does not listen to a connection that it left", () => {
    const { socket, seen } = setup();
    const first = attach(socket);
    socket.stop();
    expect(first.closed).toBe(true);
    first.says({ type: "output", data: "ghost" });
    first.drops(1000);
    vi.advanceTimersByTime(60_000);
    expect(seen.output).toBe("");
    expect(FakeSocket.all.length).toBe(1);
    expect(seen.phases.at(-1)).toBe("idle");
  });

  it("ends, and starts again only when asked", () => {
    const { socket, seen } = setup();
    const fake = attach(socket);
    fake.says({ type: "closed", exit_code: 0, signal: null });
    fake.drops(1000);
    socket.wake();
    vi.advanceTimersByTime(60_000);
    expect(seen.phases.at(-1)).toBe("ended");
    expect(FakeSocket.all.length).toBe(1);
    socket.start();
    expect(FakeSocket.all.length).toBe(2);
  });

  it("asks for a login and stays quiet afterwards", () => {
    const { socket, seen } = setup();
    socket.start();
    last().onopen?.();
    last().drops(4401, "not allowed");
    vi.advanceTimersByTime(60_000);
    expect(seen.logins).toBe(1);
    expect(FakeSocket.all.length).toBe(1);
  });

  it("shows an error without leaving the connection", () => {
    const { socket, seen } = setup();
    const fake = attach(socket);
    fake.says({ type: "error", message: "bad message", code: "VALIDATION" });
    expect(seen.errors).toEqual(["bad message"]);
    expect(seen.phases.at(-1)).toBe("connected");
  });

  it("skips to the newest screen when the terminal cannot keep up", () => {
    const { socket, seen } = setup();
    const fake = attach(socket);
    const chunk = "x".repeat(1024 * 1024);
    let sent = 0;
    while (!fake.closed && sent < 64) {
      fake.says({ type: "output", data: chunk });
      sent += 1;
    }
    expect(fake.closed).toBe(true);
    expect(seen.output.length).toBeLessThanOrEqual(PENDING_MAX + chunk.length + FRESH_SCREEN.length);
    vi.advanceTimersByTime(500);
    expect(FakeSocket.all.length).toBe(2);
  });

  it("takes any amount while the terminal keeps up", () => {
    const { socket, seen } = setup();
    const fake = attach(socket);
    for (let i = 0; i < 32; i += 1) {
      fake.says({ type: "output", data: "x".repeat(1024 * 1024) });
      seen.drawn.shift()?.();
    }
    expect(fake.closed).toBe(false);
  });
});
