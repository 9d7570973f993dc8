import { expect, it } from "vitest";
import { Tail } from "./tail";

/** A list of numbers, oldest first, with a count of the requests. */
function list(length: number) {
  const state = { length, asked: 0 };
  const ask = async (skip: number, limit: number) => {
    state.asked += 1;
    const all = Array.from({ length: state.length }, (_, i) => i);
    return { items: all.slice(skip, skip + limit), total: state.length };
  };
  return { state, ask };
}

it("shows a short list newest first, with one question", async () => {
  const { state, ask } = list(3);
  expect(await new Tail<number>(5).read(ask)).toEqual({ items: [2, 1, 0], total: 3 });
  expect(state.asked).toBe(1);
});

it("shows the end of a long list, and stays there while it grows and shrinks", async () => {
  const { state, ask } = list(12);
  const tail = new Tail<number>(5);
  expect(await tail.read(ask)).toEqual({ items: [11, 10, 9, 8, 7], total: 12 });
  expect(state.asked).toBe(2);
  expect((await tail.read(ask)).items[0]).toBe(11);
  expect(state.asked).toBe(3);
  state.length = 13;
  expect((await tail.read(ask)).items).toEqual([12, 11, 10, 9, 8]);
  state.length = 2;
  expect((await tail.read(ask)).items).toEqual([1, 0]);
});
