import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { NUDGE_MS, POLL_MS, poll } from "./poll";

/** The part of a document used by the poll. */
class FakePage extends EventTarget {
  hidden = false;
  show(visible: boolean): void {
    this.hidden = !visible;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setup() {
  const page = new FakePage();
  const signals: AbortSignal[] = [];
  const ask = async (signal: AbortSignal) => void signals.push(signal);
  const polling = poll(ask, () => POLL_MS, page as unknown as Document);
  return { page, signals, polling };
}

it("asks at once, then after each answer, also after a failed one", async () => {
  const page = new FakePage();
  let asked = 0;
  poll(
    async () => {
      asked += 1;
      throw new Error("the server is away");
    },
    () => POLL_MS,
    page as unknown as Document,
  );
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(POLL_MS * 3);
  expect(asked).toBe(4);
});

it("asks nothing while hidden, and at once when shown", async () => {
  const { page, signals } = setup();
  page.show(false);
  await vi.advanceTimersByTimeAsync(POLL_MS * 5);
  expect(signals.length).toBe(1);
  page.show(true);
  expect(signals.length).toBe(2);
});

it("gives up the answer under way when asked anew", async () => {
  const { signals, polling } = setup();
  polling.refresh();
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  // The first poll stops when the second starts.
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(signals.length).toBe(3);
});

it("asks as seldom as it is told to", async () => {
  let asked = 0;
  let pause = 10_000;
  const count = async () => {
    asked += 1;
  };
  poll(count, () => pause, new FakePage() as unknown as Document);
  await vi.advanceTimersByTimeAsync(9_999);
  expect(asked).toBe(1);
  pause = 1_000;
  await vi.advanceTimersByTimeAsync(1_001);
  expect(asked).toBe(3);
});

it("asks once for many nudges, and once more for those that came meanwhile", async () => {
  const answers: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const ask = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<void>((done) => answers.push(done));
  };
  const polling = poll(ask, () => 60_000, new FakePage() as unknown as Document);
  polling.nudge();
  polling.nudge();
  await vi.advanceTimersByTimeAsync(NUDGE_MS * 4);
  expect(signals.length).toBe(1);
  answers[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
  answers[1]?.();
  await vi.advanceTimersByTimeAsync(0);
  for (let i = 0; i < 50; i += 1) polling.nudge();
  await vi.advanceTimersByTimeAsync(NUDGE_MS - 1);
  expect(signals.length).toBe(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(signals.length).toBe(3);
});

it("is not nudged while hidden", async () => {
  const { page, signals, polling } = setup();
  page.show(false);
  polling.nudge();
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(signals.length).toBe(1);
});

it("stops", async () => {
  const { page, signals, polling } = setup();
  polling.stop();
  page.show(true);
  await vi.advanceTimersByTimeAsync(POLL_MS * 5);
  expect(signals.length).toBe(1);
  expect(signals[0]?.aborted).toBe(true);
});
