import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RETRY_FIRST_MS } from "./link";
import { PART_MAX, SENT_MAX, WAITING_MAX } from "./outbox";
import { attach, FakeSocket, last, reconnect, setup, utf8 } from "./socket.fake";

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe("input", () => {
  it("goes out numbered while there is a session, and is refused otherwise", () => {
    const { socket } = setup();
    expect(socket.input(utf8("early"))).toBe("away");
    socket.start();
    expect(socket.input(utf8("early"))).toBe("away");
    const fake = attach();
    expect(socket.input(utf8("ls\r"))).toBe("taken");
    expect(socket.input(utf8("\x03"))).toBe("taken");
    expect(fake.heard()).toEqual(["input 1 ls\r", "input 2 \x03"]);
    fake.says(76, utf8('{"code":0,"signal":null,"reason":"exited"}'));
    expect(socket.input(utf8("late"))).toBe("away");
  });

  it("waits for a lost connection, and follows the earlier input", () => {
    const { socket, seen } = setup();
    socket.start();
    attach().drops(1006);
    expect(socket.input(utf8("held\r"))).toBe("taken");
    vi.advanceTimersByTime(RETRY_FIRST_MS);
    expect(socket.input(utf8("too\r"))).toBe("taken");
    expect(last().heard()).toEqual([]);
    expect(attach().heard()).toEqual(["input 1 held\r", "input 2 too\r"]);
    expect(seen.lost).toEqual([]);
  });

  it("is bounded while the session does not answer", () => {
    const { socket } = setup();
    socket.start();
    const fake = attach();
    const parts = SENT_MAX / PART_MAX;
    expect(socket.input(new Uint8Array(WAITING_MAX / 2))).toBe("taken");
    expect(fake.heard().length).toBe(parts);
    expect(socket.input(new Uint8Array(WAITING_MAX / 2))).toBe("full");
    expect(fake.heard()).toEqual([]);
    fake.taken(1);
    expect(fake.heard().length).toBe(1);
    expect(socket.input(new Uint8Array(1 << 20))).toBe("taken");
    expect(fake.heard()).toEqual([]);
    fake.says(71, [2, "u64"], utf8("no"));
    expect(fake.heard().length).toBe(1);
  });

  it("waits here for room in the session, also across a lost connection", () => {
    const { socket } = setup();
    const parts = SENT_MAX / PART_MAX;
    socket.start();
    attach();
    socket.input(new Uint8Array(SENT_MAX));
    socket.input(utf8("after"));
    reconnect();
    attach("s", { input: 0 });
    expect(last().heard().length).toBe(parts);
    last().taken(1);
    expect(last().heard()).toEqual([`input ${parts + 1} after`]);
    socket.input(new Uint8Array(PART_MAX));
    expect(last().heard()).toEqual([]);
    reconnect();
    attach("s", { input: parts + 1 });
    expect(
      last()
        .heard()
        .map((word) => word.slice(0, 7)),
    ).toEqual([`input ${parts + 2}`]);
  });

  it("is sent again after coming back, in order, without what the session has", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    for (const text of ["one", "two", "three", "four"]) socket.input(utf8(text));
    fake.taken(1);
    reconnect();
    attach("s", { input: 2 });
    expect(last().heard()).toEqual(["input 3 three", "input 4 four"]);
    last().taken(3);
    reconnect();
    attach("s", { input: 3 });
    expect(last().heard()).toEqual(["input 4 four"]);
    last().taken(4);
    reconnect();
    attach("s", { input: 4 });
    expect(last().heard()).toEqual([]);
    expect(seen.lost).toEqual([]);
  });

  it("is not typed into another session, and that is told", () => {
    const { socket, seen } = setup();
    socket.start();
    attach();
    socket.input(utf8("rm -r x\r"));
    reconnect();
    attach("t", { input: 0 });
    expect(last().heard()).toEqual([]);
    expect(seen.lost).toEqual([[8, "another_session"]]);
    socket.input(utf8("ls"));
    expect(last().heard()).toEqual(["input 1 ls"]);
  });

  it("is not typed again where nobody knows whether it was, and that is told", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    socket.input(utf8("one"));
    socket.input(utf8("two"));
    fake.taken(1);
    reconnect();
    attach("s", { input: 0 });
    expect(last().heard()).toEqual([]);
    expect(seen.lost).toEqual([[3, "forgotten"]]);
  });

  it("tells what was refused, and what the end of the session left", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    socket.input(utf8("one"));
    socket.input(utf8("two!"));
    fake.says(71, [1, "u64"], utf8("The agent reads nothing."));
    expect(seen.refused).toEqual(["The agent reads nothing."]);
    fake.says(76, utf8('{"code":0,"signal":null,"reason":"exited"}'));
    expect(seen.lost).toEqual([[4, "ended"]]);
  });

  it("stays here when the client may only look, like the window's size", () => {
    const { socket } = setup();
    socket.resize({ cols: 100, rows: 30 });
    socket.start();
    const fake = attach("s", { read_only: true });
    expect(socket.input(utf8("x"))).toBe("away");
    socket.resize({ cols: 90, rows: 30 });
    expect(fake.heard()).toEqual([]);
  });
});
