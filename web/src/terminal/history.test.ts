import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { History, QUIET_MS } from "./history";

function setup() {
  const seen = { asked: 0, calm: true };
  const history = new History(
    () => seen.calm,
    () => {
      seen.asked += 1;
    },
  );
  return { seen, history };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("asks once after the first screen, and not again for its answer", () => {
  const { seen, history } = setup();
  history.drawn();
  expect(seen.asked).toBe(0);
  vi.advanceTimersByTime(QUIET_MS);
  expect(seen.asked).toBe(1);
  history.drawn();
  vi.advanceTimersByTime(60_000);
  expect(seen.asked).toBe(1);
});

it("asks again once the sizes have settled", () => {
  const { seen, history } = setup();
  for (let i = 0; i < 20; i += 1) {
    history.stale();
    vi.advanceTimersByTime(QUIET_MS - 1);
  }
  expect(seen.asked).toBe(0);
  vi.advanceTimersByTime(1);
  expect(seen.asked).toBe(1);
});

it("does not ask while screens follow each other faster than it waits", () => {
  const { seen, history } = setup();
  for (let i = 0; i < 50; i += 1) {
    history.drawn();
    vi.advanceTimersByTime(100);
  }
  expect(seen.asked).toBe(0);
  vi.advanceTimersByTime(QUIET_MS);
  expect(seen.asked).toBe(1);
});

it("waits until the user does not look at something above", () => {
  const { seen, history } = setup();
  seen.calm = false;
  history.drawn();
  vi.advanceTimersByTime(60_000);
  history.settled();
  expect(seen.asked).toBe(0);
  seen.calm = true;
  history.settled();
  expect(seen.asked).toBe(1);
  history.settled();
  expect(seen.asked).toBe(1);
});

it("asks again for an answer that came at a bad time", () => {
  const { seen, history } = setup();
  history.drawn();
  vi.advanceTimersByTime(QUIET_MS);
  expect(history.asked).toBe(true);
  seen.calm = false;
  history.declined();
  history.settled();
  expect(seen.asked).toBe(1);
  seen.calm = true;
  history.settled();
  expect(seen.asked).toBe(2);
});

it("asks again on the next connection for what the last one did not bring", () => {
  const { seen, history } = setup();
  history.drawn();
  vi.advanceTimersByTime(QUIET_MS);
  history.reconnected();
  vi.advanceTimersByTime(QUIET_MS);
  expect(seen.asked).toBe(2);
  history.drawn();
  history.reconnected();
  vi.advanceTimersByTime(60_000);
  expect(seen.asked).toBe(2);
});

it("is quiet when it was stopped", () => {
  const { seen, history } = setup();
  history.drawn();
  history.stop();
  vi.advanceTimersByTime(60_000);
  history.settled();
  expect(seen.asked).toBe(0);
});
