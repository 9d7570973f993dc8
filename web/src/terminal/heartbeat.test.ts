import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ANSWER_MS, BUSY_MS, Heartbeat, LOOK_MS, QUIET_MAX_MS, WAKE_ANSWER_MS } from "./heartbeat";

describe("Heartbeat", () => {
  let asked: number;
  let dead: number;
  let heart: Heartbeat;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = 0;
    dead = 0;
    heart = new Heartbeat(
      () => (asked += 1),
      () => (dead += 1),
    );
    heart.start();
  });
  afterEach(() => {
    heart.stop();
    vi.useRealTimers();
  });

  it("gives up within a minute of silence", () => {
    vi.advanceTimersByTime(QUIET_MAX_MS + LOOK_MS);
    expect([asked, dead]).toEqual([1, 0]);
    vi.advanceTimersByTime(60_000 - QUIET_MAX_MS - LOOK_MS);
    expect([asked, dead]).toEqual([1, 1]);
  });

  it("asks only in silence", () => {
    for (let at = 0; at < 120_000; at += QUIET_MAX_MS / 2) {
      vi.advanceTimersByTime(QUIET_MAX_MS / 2);
      heart.heard();
    }
    expect([asked, dead]).toEqual([0, 0]);
  });

  it("goes on after an answer", () => {
    vi.advanceTimersByTime(QUIET_MAX_MS + LOOK_MS);
    heart.heard();
    vi.advanceTimersByTime(ANSWER_MS - QUIET_MAX_MS);
    expect([asked, dead]).toEqual([1, 0]);
    vi.advanceTimersByTime(QUIET_MAX_MS);
    expect([asked, dead]).toEqual([2, 0]);
  });

  it("gives up soon after a wake", () => {
    heart.wake();
    heart.wake();
    expect(asked).toBe(2);
    vi.advanceTimersByTime(WAKE_ANSWER_MS);
    expect(dead).toBe(1);
  });

  it("asks at once after a sleep of the machine", () => {
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(LOOK_MS);
    expect([asked, dead]).toEqual([1, 0]);
    vi.advanceTimersByTime(WAKE_ANSWER_MS);
    expect(dead).toBe(1);
  });

  it("hears an answer that waited in a busy page", () => {
    for (const answered of [true, false]) {
      heart.wake();
      vi.setSystemTime(Date.now() + 3_000);
      vi.advanceTimersByTime(WAKE_ANSWER_MS);
      expect(dead).toBe(0);
      if (answered) heart.heard();
      vi.advanceTimersByTime(BUSY_MS);
      expect(dead).toBe(answered ? 0 : 1);
    }
  });

  it("rests without a connection", () => {
    heart.stop();
    heart.wake();
    vi.advanceTimersByTime(300_000);
    expect([asked, dead]).toEqual([0, 0]);
  });
});
