import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { POLL_MS, poll } from "./poll";

/** The part of a document that the poll looks at. */
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
  const polling = poll(async (signal) => void signals.push(signal), page as unknown as Document);
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
  // The first one does not go on asking beside the second.
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(signals.length).toBe(3);
});

it("stops", async () => {
  const { page, signals, polling } = setup();
  polling.stop();
  page.show(true);
  await vi.advanceTimersByTimeAsync(POLL_MS * 5);
  expect(signals.length).toBe(1);
  expect(signals[0]?.aborted).toBe(true);
});
