import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ACK_BYTES } from "./credit";
import { CREDIT } from "./frame";
import { ACK_MS, terminalAddress } from "./socket";
import { attach, FakeSocket, last, reconnect, setup, utf8 } from "./socket.fake";

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the connection", () => {
  it("is there when the server names the session", () => {
    const { socket, seen } = setup();
    socket.start();
    last().onopen?.();
    expect(last().binaryType).toBe("arraybuffer");
    expect(seen.phases).toEqual(["connecting"]);
    last().status("s");
    expect(seen.phases).toEqual(["connecting", "connected"]);
    expect(seen.again).toEqual([false]);
  });

  it("is not listened to when it was left", () => {
    const { socket, seen, drawAll } = setup();
    socket.start();
    const first = attach();
    first.snapshot(0, "one");
    first.heard();
    socket.stop();
    expect(first.closed).toBe(true);
    first.output(0, "ghost");
    first.drops(1000);
    drawAll();
    vi.advanceTimersByTime(60_000);
    expect(seen.drawing).toEqual(["80×24 one"]);
    expect(first.sent).toEqual([]);
    expect(FakeSocket.all.length).toBe(1);
    expect(seen.phases.at(-1)).toBe("idle");
  });

  it("ends, and starts again only when asked", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    fake.says(76, utf8('{"code":0,"signal":null,"at":"2026-01-01T00:00:00Z","reason":"exited"}'));
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

  it("drives again after coming back when it drove before, and only then", () => {
    const { socket } = setup();
    socket.resize({ cols: 100, rows: 30 });
    const comeBack = (): string[] => {
      FakeSocket.all.at(-1)?.drops(1006);
      vi.advanceTimersByTime(10_000);
      const fake = FakeSocket.all.at(-1);
      if (!fake) throw new Error("no connection");
      fake.onopen?.();
      fake.status("s1");
      return fake.heard();
    };
    socket.start();
    FakeSocket.all[0]?.onopen?.();
    FakeSocket.all[0]?.status("s1");
    FakeSocket.all[0]?.snapshot(0, "screen");
    expect(comeBack()).toEqual(["resize 100×30"]);
    FakeSocket.all.at(-1)?.says(81, Uint8Array.of(1));
    expect(comeBack()).toEqual(["resize 100×30", "drive"]);
  });

  it("tells errors and roles, passes over what it does not know, and goes on", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    fake.says(77, utf8('{"code":"VALIDATION","message":"bad"}'));
    fake.says(81, Uint8Array.of(0));
    fake.says(81, Uint8Array.of(1));
    fake.says(82, utf8('{"type":"bash"}'));
    fake.says(200, utf8("anything"));
    expect(seen.errors).toEqual(["bad"]);
    expect(seen.drivers).toEqual([false, true]);
    expect(seen.phases.at(-1)).toBe("connected");
  });
});

describe("output", () => {
  it("is drawn in the order in which it came", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    fake.snapshot(100, "screen");
    fake.output(100, "one");
    fake.says(67, [103, "u64"], [60, "u16"], [20, "u16"]);
    fake.output(103, "two");
    fake.snapshot(999, "newest", { cols: 60, rows: 20 });
    fake.output(999, "three");
    expect(seen.drawing).toEqual(["80×24 screen", "one", "60×20", "two", "60×20 newest", "three"]);
  });

  it("goes on at the byte after a lost connection, and nothing is drawn anew", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    expect([fake.place, fake.client]).toEqual([null, expect.stringMatching(/^[0-9a-f]{32}$/)]);
    fake.snapshot(100, "screen");
    fake.output(100, "one");
    reconnect();
    // Received output counts before it is drawn.
    expect(last().place).toEqual({ session: "s", since: 103 });
    expect(last().client).toBe(fake.client);
    attach("s", { resumed: true });
    last().output(103, "two");
    expect(seen.drawing).toEqual(["80×24 screen", "one", "two"]);
    expect(seen.again).toEqual([false, true]);
  });

  it("begins with a screen when the place is gone, and in another session", () => {
    const { socket, seen } = setup();
    socket.start();
    attach().snapshot(100, "screen");
    reconnect();
    attach("s").snapshot(9000, "later");
    reconnect();
    expect(last().place).toEqual({ session: "s", since: 9000 });
    attach("t").snapshot(5, "new");
    reconnect();
    expect(last().place).toEqual({ session: "t", since: 5 });
    expect(seen.drawing).toEqual(["80×24 screen", "80×24 later", "80×24 new"]);
    expect(seen.again).toEqual([false, true, false]);
  });

  it("is not guessed: what does not fit begins anew with a whole screen", () => {
    const odd: ((fake: FakeSocket) => void)[] = [
      (fake) => fake.output(104, "a gap"),
      (fake) => fake.output(99, "again"),
      (fake) => fake.says(66, Uint8Array.of(0)),
      (fake) => fake.onmessage?.({ data: '{"type":"status"}' }),
    ];
    for (const say of odd) {
      const { socket, seen } = setup();
      socket.start();
      const fake = attach();
      fake.snapshot(100, "screen");
      say(fake);
      expect(fake.closed).toBe(true);
      expect(seen.drawing).toEqual(["80×24 screen"]);
      vi.advanceTimersByTime(5_000);
      expect(last()).not.toBe(fake);
      expect(last().place).toBeNull();
      socket.stop();
    }
  });

  it("needs a screen first, in each session", () => {
    const { socket, seen } = setup();
    socket.start();
    attach().output(0, "no screen");
    expect(seen.phases.at(-1)).toBe("waiting");
    vi.advanceTimersByTime(5_000);
    attach().snapshot(10, "screen");
    reconnect();
    attach("t").output(10, "of another session");
    expect(seen.phases.at(-1)).toBe("waiting");
    expect(seen.drawing).toEqual(["80×24 screen"]);
  });

  it("says of a screen whether the terminal holds it already", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    fake.snapshot(100, "screen");
    fake.output(100, "one");
    socket.redraw();
    expect(fake.heard()).toEqual(["redraw 262144"]);
    fake.snapshot(103, "with history");
    fake.snapshot(200, "newer");
    expect(seen.drawing.slice(2)).toEqual(["80×24 with history (held)", "80×24 newer"]);
  });
});

describe("acknowledging", () => {
  it("follows the drawing, at once for a screen and soon for a little output", () => {
    const { socket, drawAll } = setup();
    socket.start();
    const fake = attach();
    fake.snapshot(100, "screen");
    vi.advanceTimersByTime(10_000);
    expect(fake.heard()).toEqual([]);
    drawAll();
    expect(fake.heard()).toEqual(["ack 100"]);
    fake.output(100, "one");
    fake.output(103, "two");
    drawAll();
    expect(fake.heard()).toEqual([]);
    vi.advanceTimersByTime(ACK_MS);
    expect(fake.heard()).toEqual(["ack 106"]);
    vi.advanceTimersByTime(10_000);
    expect(fake.heard()).toEqual([]);
  });

  it("does not acknowledge what an earlier connection brought", () => {
    const { socket, drawAll } = setup();
    socket.start();
    const fake = attach();
    fake.snapshot(100, "screen");
    fake.output(100, "one");
    reconnect();
    attach();
    drawAll();
    vi.advanceTimersByTime(60_000);
    expect(last().heard()).toEqual([]);
    last().output(103, "two");
    drawAll();
    vi.advanceTimersByTime(ACK_MS);
    expect(last().heard()).toEqual(["ack 106"]);
  });

  it("keeps a flood going, and never has more than the credit to draw", () => {
    const { socket, seen } = setup();
    socket.start();
    const fake = attach();
    const frame = "x".repeat(32 << 10);
    fake.snapshot(0, "");
    seen.drawn.shift()?.();
    let sent = 0;
    let acknowledged = 0;
    let acks = 0;
    let most = 0;
    const TOTAL = 8 << 20;
    while (sent < TOTAL) {
      // The server sends while there is credit; then the terminal draws a frame.
      while (sent < TOTAL && sent + frame.length - acknowledged <= CREDIT) {
        fake.output(sent, frame);
        sent += frame.length;
      }
      most = Math.max(most, seen.pending);
      const drawn = seen.drawn.shift() ?? expect.fail("the flood stalled");
      drawn();
      for (const word of fake.heard()) {
        acknowledged = Number(/^ack (\d+)$/.exec(word)?.[1] ?? expect.fail(word));
        acks += 1;
      }
    }
    expect(most).toBeLessThanOrEqual(CREDIT);
    expect(acks).toBeGreaterThan(TOTAL / CREDIT);
    expect(acks).toBeLessThanOrEqual(TOTAL / ACK_BYTES);
    for (const drawn of seen.drawn.splice(0)) drawn();
    vi.advanceTimersByTime(ACK_MS);
    expect(fake.heard().at(-1)).toBe(`ack ${TOTAL}`);
  });
});

describe("where no session runs", () => {
  it("shows the last screen and the end, and tells nothing", () => {
    const { socket, seen, drawAll } = setup();
    socket.resize({ cols: 100, rows: 30 });
    socket.start();
    const fake = attach("s", { connected: false });
    fake.snapshot(9, "last words");
    fake.says(76, utf8('{"code":3,"signal":null,"reason":"exited"}'));
    fake.drops(1000, "no session runs");
    drawAll();
    expect(seen.drawing).toEqual(["80×24 last words"]);
    expect(seen.phases).toEqual(["connecting", "ended"]);
    expect(fake.heard()).toEqual([]);
    expect(socket.session).toBe("s");
    expect(socket.input(utf8("x"))).toBe("away");
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("has nothing to show where there never was one, and joins the first when asked", () => {
    const { socket, seen } = setup();
    socket.start();
    attach("", { connected: false }).drops(1000, "no session runs");
    expect(seen.phases).toEqual(["connecting", "ended"]);
    expect(socket.session).toBeNull();
    socket.start();
    attach("s");
    expect(seen.phases.at(-1)).toBe("connected");
    expect(seen.lost).toEqual([]);
  });

  it("drops what was typed into a session that ended while the connection was away", () => {
    const { socket, seen } = setup();
    socket.start();
    attach("s");
    socket.input(utf8("typed"));
    reconnect();
    const fake = attach("s", { connected: false });
    fake.says(76, utf8('{"code":0,"signal":null,"reason":"exited"}'));
    expect(seen.lost).toEqual([[5, "ended"]]);
  });
});

describe("the window's size", () => {
  it("is told on each connection and when it changes", () => {
    const { socket } = setup();
    socket.resize({ cols: 100, rows: 30 });
    socket.start();
    const fake = attach();
    expect(fake.heard()).toEqual(["resize 100×30"]);
    socket.resize({ cols: 90, rows: 30 });
    socket.drive();
    expect(fake.heard()).toEqual(["resize 90×30", "drive"]);
    reconnect();
    socket.resize({ cols: 80, rows: 30 });
    expect(last().heard()).toEqual([]);
    attach();
    expect(last().heard()).toEqual(["resize 80×30"]);
  });
});

it("says in the address who it is and where it was", () => {
  const location = { protocol: "https:", host: "h:1" } as Location;
  const to = { projectId: "p", language: "pt-BR", client: "c", place: null, readOnly: false };
  expect(terminalAddress(location, to)).toBe(
    "wss://h:1/api/v1/output-projects/p/terminal?lang=pt-BR&client=c&start=false",
  );
  const back = { ...to, place: { session: "s", since: 2 ** 40 }, readOnly: true };
  expect(terminalAddress(location, back)).toBe(
    "wss://h:1/api/v1/output-projects/p/terminal?lang=pt-BR&client=c&start=false&session=s&since=1099511627776&read_only=true",
  );
});
