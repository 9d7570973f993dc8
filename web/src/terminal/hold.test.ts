import { expect, it } from "vitest";
import { HELD_MAX, Hold } from "./hold";

function setup() {
  const hold = new Hold();
  const done: string[] = [];
  return { hold, done, paste: (text: string) => hold.whenKnown(() => done.push(text)) };
}

it("keeps a paste until the screen is drawn", () => {
  const { hold, done, paste } = setup();
  paste("a");
  hold.begin();
  paste("b");
  hold.begin();
  hold.end();
  expect(done).toEqual(["a"]);
  hold.end();
  expect(done).toEqual(["a", "b"]);
  paste("c");
  expect(done).toEqual(["a", "b", "c"]);
});

it("lets no key overtake a waiting paste", () => {
  const { hold, done, paste } = setup();
  hold.begin();
  hold.inOrder(() => done.push("early"));
  // A paste becomes input of its own while it goes out.
  hold.whenKnown(() => hold.inOrder(() => done.push("paste")));
  hold.inOrder(() => done.push("late"));
  expect(done).toEqual(["early"]);
  hold.end();
  expect(done).toEqual(["early", "paste", "late"]);
  expect(paste("x")).toBe(true);
});

it("refuses more than it may keep", () => {
  const { hold, done, paste } = setup();
  hold.begin();
  for (let n = 0; n < HELD_MAX; n += 1) expect(paste("x")).toBe(true);
  expect(paste("y")).toBe(false);
  hold.end();
  expect(done.length).toBe(HELD_MAX);
});
