import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Announcer } from "./announce.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("says one message after another", () => {
  const announcer = new Announcer();
  const heard: string[] = [];
  announcer.say("Connected");
  announcer.say("Sent");
  heard.push(announcer.polite);
  vi.advanceTimersByTime(1_000);
  heard.push(announcer.polite);
  expect(heard).toEqual(["Connected", "Sent"]);
});

it("drops repetitions and the oldest of too many", () => {
  const announcer = new Announcer();
  for (const text of ["a", "a", "b", "c", "d", "e", "f", "g", "g"]) announcer.say(text);
  const heard = [announcer.polite];
  for (let n = 0; n < 8; n += 1) {
    vi.advanceTimersByTime(1_000);
    if (announcer.polite !== heard.at(-1)) heard.push(announcer.polite);
  }
  expect(heard).toEqual(["a", "c", "d", "e", "f", "g"]);
});

it("interrupts only for an agent that waits", () => {
  const announcer = new Announcer();
  announcer.say("Connected");
  announcer.call("Shop needs you");
  expect([announcer.polite, announcer.assertive]).toEqual(["Connected", "Shop needs you"]);
});
