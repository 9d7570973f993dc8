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
    unselect: () => void selected.push("none"),
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

const at = (x: number, y: number, time = Date.now()) => ({ x, y, at: time });

function swipe(pan: Pan): void {
  pan.begin(at(0, 300));
  for (let y = 290; y >= 200; y -= 10) {
    vi.advanceTimersByTime(8);
    pan.move(at(0, y));
  }
}

it("scrolls with the finger and glides on", () => {
  const { pan, sum } = setup();
  swipe(pan);
  expect(sum()).toBe(100);
  expect(pan.end(Date.now())).toBe(true);
  vi.advanceTimersByTime(10_000);
  expect(sum()).toBeGreaterThan(200);
  expect(sum()).toBeLessThan(2_000);
});

it("stops at the next touch", () => {
  const { pan, sum } = setup();
  swipe(pan);
  pan.end(Date.now());
  vi.advanceTimersByTime(50);
  const before = sum();
  pan.begin(at(0, 0));
  vi.advanceTimersByTime(200);
  expect(sum()).toBe(before);
});

it("does not glide after a rest or against the user's wish", () => {
  for (const glides of [true, false]) {
    const { pan, sum } = setup(glides);
    swipe(pan);
    if (glides) vi.advanceTimersByTime(200);
    pan.end(Date.now());
    vi.advanceTimersByTime(1_000);
    expect(sum()).toBe(100);
  }
});

it("leaves a tap to the browser", () => {
  const { pan, sum, selected } = setup();
  pan.begin(at(5, 5));
  expect(pan.move(at(7, 8))).toBe(false);
  expect(pan.end(Date.now())).toBe(false);
  vi.advanceTimersByTime(PRESS_MS * 2);
  expect([sum(), selected]).toEqual([0, []]);
});

it("selects after a long press", () => {
  const { pan, sum, selected } = setup();
  pan.begin(at(5, 6));
  vi.advanceTimersByTime(PRESS_MS + 1);
  expect(pan.move(at(50, 60))).toBe(true);
  expect(pan.end(Date.now())).toBe(true);
  expect(selected).toEqual(["5,6-5,6", "5,6-50,60"]);
  expect(sum()).toBe(0);
});

it("scrolls when a movement is heard late", () => {
  const { pan, sum, selected } = setup();
  const began = Date.now();
  pan.begin(at(0, 300));
  vi.advanceTimersByTime(PRESS_MS * 2);
  for (let step = 1; step <= 10; step += 1) pan.move(at(0, 300 - 10 * step, began + 8 * step));
  expect(pan.end(began + 80 + 200)).toBe(true);
  expect([sum(), selected]).toEqual([100, ["0,300-0,300", "none"]]);
});

it("keeps the rest of a line", () => {
  const lines = new Lines();
  expect([lines.of(10, 16), lines.of(10, 16), lines.of(-30, 16), lines.of(5, 0)]).toEqual([0, 1, -1, 0]);
});
