import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Lines, Pan, PRESS_MS } from "./pan";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setup(glides = true) {
  const scrolled: number[] = [];
  const selected: string[] = [];
  const target = {
    scroll: (_x: number, y: number) => void scrolled.push(y),
    select: (x: number, y: number, from: { x: number; y: number }) =>
      void selected.push(`${from.x},${from.y}-${x},${y}`),
  };
  const clock = {
    now: () => Date.now(),
    frame: (step: (at: number) => void) => setTimeout(() => step(Date.now()), 16) as unknown as number,
    cancel: (frame: number) => clearTimeout(frame),
    after: (step: () => void, ms: number) => setTimeout(step, ms),
  };
  const sum = () => scrolled.reduce((all, one) => all + one, 0);
  return { pan: new Pan(target, () => glides, clock), sum, selected };
}

function swipe(pan: Pan): void {
  pan.begin({ x: 0, y: 300 });
  for (let y = 290; y >= 200; y -= 10) {
    vi.advanceTimersByTime(8);
    pan.move({ x: 0, y });
  }
}

it("scrolls with the finger and glides on", () => {
  const { pan, sum } = setup();
  swipe(pan);
  expect(sum()).toBe(100);
  expect(pan.end()).toBe(true);
  vi.advanceTimersByTime(10_000);
  expect(sum()).toBeGreaterThan(200);
  expect(sum()).toBeLessThan(2_000);
});

it("stops at the next touch", () => {
  const { pan, sum } = setup();
  swipe(pan);
  pan.end();
  vi.advanceTimersByTime(50);
  const before = sum();
  pan.begin({ x: 0, y: 0 });
  vi.advanceTimersByTime(200);
  expect(sum()).toBe(before);
});

it("does not glide after a rest or against the user's wish", () => {
  for (const glides of [true, false]) {
    const { pan, sum } = setup(glides);
    swipe(pan);
    if (glides) vi.advanceTimersByTime(200);
    pan.end();
    vi.advanceTimersByTime(1_000);
    expect(sum()).toBe(100);
  }
});

it("leaves a tap to the browser", () => {
  const { pan, sum, selected } = setup();
  pan.begin({ x: 5, y: 5 });
  expect(pan.move({ x: 7, y: 8 })).toBe(false);
  expect(pan.end()).toBe(false);
  vi.advanceTimersByTime(PRESS_MS * 2);
  expect([sum(), selected]).toEqual([0, []]);
});

it("selects after a long press", () => {
  const { pan, sum, selected } = setup();
  pan.begin({ x: 5, y: 6 });
  vi.advanceTimersByTime(PRESS_MS + 1);
  expect(pan.move({ x: 50, y: 60 })).toBe(true);
  expect(pan.end()).toBe(true);
  expect(selected).toEqual(["5,6-5,6", "5,6-50,60"]);
  expect(sum()).toBe(0);
});

it("keeps the rest of a line", () => {
  const lines = new Lines();
  expect([lines.of(10, 16), lines.of(10, 16), lines.of(-30, 16), lines.of(5, 0)]).toEqual([0, 1, -1, 0]);
});
