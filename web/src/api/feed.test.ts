import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { follow, LOOK_MS, REOPEN_MS, SILENCE_MS, type Source } from "./feed";

class FakePage extends EventTarget {
  hidden = false;
  show(visible: boolean): void {
    this.hidden = !visible;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

class FakeSource extends EventTarget {
  readyState = 0;
  constructor(readonly address: string) {
    super();
  }
  connect(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  send(type: string, lastEventId: string): void {
    this.dispatchEvent(Object.assign(new Event(type), { lastEventId, data: `{${lastEventId}}` }));
  }
  /** `forGood`: the server refused, so the browser does not try again. */
  break(forGood: boolean): void {
    this.readyState = forGood ? 2 : 0;
    this.dispatchEvent(new Event("error"));
  }
  close(): void {
    this.readyState = 2;
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setup() {
  const page = new FakePage();
  const sources: FakeSource[] = [];
  const heard: (string | boolean)[] = [];
  const feed = follow(
    "/events",
    ["state", "agent.state"],
    {
      received: (type, data) => heard.push(`${type} ${data}`),
      flowing: (flows) => heard.push(flows),
      refused: () => heard.push("refused"),
    },
    "",
    page as unknown as Document,
    (address) => {
      const source = new FakeSource(address);
      sources.push(source);
      return source as unknown as Source;
    },
  );
  return { page, sources, heard, feed };
}

it("reports events of the followed types only", () => {
  const { sources, heard } = setup();
  expect(sources[0]?.address).toBe("/events?keep_alive=event");
  sources[0]?.connect();
  sources[0]?.send("state", "4");
  sources[0]?.send("agent.state", "5");
  sources[0]?.send("unknown.type", "6");
  expect(heard).toEqual([true, "state {4}", "agent.state {5}"]);
});

it("reports a broken connection, and lets the browser reconnect", () => {
  const { sources, heard } = setup();
  sources[0]?.connect();
  sources[0]?.break(false);
  vi.advanceTimersByTime(REOPEN_MS * 3);
  expect(sources.length).toBe(1);
  sources[0]?.connect();
  expect(heard).toEqual([true, false, true]);
});

it("reconnects after a refusal, from the last event on", () => {
  const { sources, heard } = setup();
  sources[0]?.connect();
  sources[0]?.send("agent.state", "41");
  sources[0]?.break(true);
  vi.advanceTimersByTime(REOPEN_MS - 1);
  expect(sources.length).toBe(1);
  vi.advanceTimersByTime(1);
  expect(sources[1]?.address).toBe("/events?keep_alive=event&last_event_id=41");
  sources[1]?.connect();
  expect(heard).toEqual([true, "agent.state {41}", false, "refused", true]);
});

it("follows while hidden, and reconnects when visible again", () => {
  const { page, sources, heard } = setup();
  sources[0]?.connect();
  page.show(false);
  sources[0]?.send("state", "7");
  expect(sources.map((source) => source.readyState)).toEqual([1]);
  expect(heard).toEqual([true, "state {7}"]);
  page.show(true);
  expect(sources[1]?.address).toBe("/events?keep_alive=event&last_event_id=7");
});

it("reconnects on wake, from the last event on", () => {
  const { sources, feed } = setup();
  sources[0]?.connect();
  sources[0]?.send("agent.state", "9");
  feed.wake();
  expect(sources.map((source) => source.readyState)).toEqual([2, 0]);
  expect(sources[1]?.address).toBe("/events?keep_alive=event&last_event_id=9");
});

it("replaces a silent connection within a minute", () => {
  const { sources } = setup();
  sources[0]?.connect();
  vi.advanceTimersByTime(SILENCE_MS - LOOK_MS);
  sources[0]?.send("alive", "");
  vi.advanceTimersByTime(SILENCE_MS - LOOK_MS);
  expect(sources.length).toBe(1);
  vi.advanceTimersByTime(3 * LOOK_MS);
  expect(sources.map((source) => source.readyState)).toEqual([2, 0]);
});

it("replaces its connection after a sleep of the machine", () => {
  const { sources } = setup();
  sources[0]?.connect();
  vi.setSystemTime(Date.now() + 20_000);
  vi.advanceTimersByTime(LOOK_MS);
  expect(sources.length).toBe(2);
});

it("neither reconnects nor reports after stop", () => {
  const { page, sources, heard, feed } = setup();
  sources[0]?.connect();
  sources[0]?.break(true);
  feed.stop();
  vi.advanceTimersByTime(REOPEN_MS * 2);
  page.show(true);
  expect(sources.length).toBe(1);
  expect(heard).toEqual([true, false, "refused"]);
});
