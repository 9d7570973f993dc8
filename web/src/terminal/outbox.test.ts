import { describe, expect, it } from "vitest";
import { INPUT_COST, Outbox, PART_MAX, SENT_MAX, WAITING_MAX } from "./outbox";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const numbers = (inputs: { number: number }[] | null) => inputs?.map(({ number }) => number);

/** An outbox with these inputs sent and unanswered. */
function outbox(...texts: string[]): Outbox {
  const box = new Outbox();
  for (const text of texts) box.add(utf8(text));
  box.next();
  return box;
}

/** The messages sent after this input. */
function sends(box: Outbox, bytes: Uint8Array, max?: number) {
  expect(box.add(bytes, max)).toBe(true);
  return box.next();
}

describe("what was typed", () => {
  it("is numbered from 1, one number a message", () => {
    const box = new Outbox();
    expect(sends(box, utf8("ls\r"))).toEqual([{ number: 1, bytes: utf8("ls\r") }]);
    expect(sends(box, utf8("\x03"))).toEqual([{ number: 2, bytes: utf8("\x03") }]);
    expect(sends(box, new Uint8Array())).toEqual([]);
    expect(numbers(sends(box, utf8("x")))).toEqual([3]);
  });

  it("is cut between characters, in order", () => {
    const text = "a🙂b…é🙂🙂c";
    for (let max = 1; max < 12; max += 1) {
      const parts = sends(new Outbox(), utf8(text), max).map(({ bytes }) => bytes);
      expect(Uint8Array.from(parts.flatMap((part) => [...part]))).toEqual(utf8(text));
      for (const part of parts) {
        expect(part.length).toBeLessThanOrEqual(max);
        if (max >= 4) expect(new TextDecoder("utf-8", { fatal: true }).decode(part)).not.toBe("");
      }
    }
  });

  it("is sent as far as the session has room, and the rest when it was typed", () => {
    const box = new Outbox();
    const parts = SENT_MAX / PART_MAX;
    const first = sends(box, new Uint8Array(2 * SENT_MAX + 5));
    expect(first.map(({ bytes }) => bytes.length)).toEqual(Array(parts).fill(PART_MAX));
    expect(sends(box, utf8("after"))).toEqual([]);
    expect(box.next()).toEqual([]);
    box.taken(1);
    expect(numbers(box.next())).toEqual([parts + 1]);
    expect(box.refused(2)).toBe(true);
    expect(numbers(box.next())).toEqual([parts + 2]);
    for (let number = 3; number <= parts + 2; number += 1) box.taken(number);
    expect(box.next().map(({ number, bytes }) => [number, bytes.length])).toEqual([
      [parts + 3, PART_MAX],
      [parts + 4, PART_MAX],
      [parts + 5, 5],
      [parts + 6, 5],
    ]);
  });

  it("lets an interrupt overtake the rest of a paste", () => {
    const box = new Outbox();
    const sent = sends(box, new Uint8Array(2 * SENT_MAX)).length;
    expect(sends(box, utf8("\x03"))).toEqual([{ number: sent + 1, bytes: utf8("\x03") }]);
    box.taken(sent + 1);
    expect(box.next()).toEqual([]);
    box.taken(1);
    expect(numbers(box.next())).toEqual([sent + 2]);
  });

  it("waits until it is answered, each by its number", () => {
    const box = outbox("one", "two", "three");
    box.taken(2);
    box.refused(1);
    expect(numbers(box.resume(2))).toEqual([3]);
    box.taken(3);
    expect(box.resume(3)).toEqual([]);
    box.taken(77);
    expect(box.refused(78)).toBe(true);
  });

  it("is bounded, in bytes and in number", () => {
    const box = new Outbox();
    expect(box.add(new Uint8Array(WAITING_MAX))).toBe(false);
    expect(box.add(new Uint8Array(WAITING_MAX / 2))).toBe(true);
    expect(box.add(new Uint8Array(WAITING_MAX / 2))).toBe(false);
    for (const { number } of box.next()) box.taken(number);
    expect(box.add(new Uint8Array(SENT_MAX / 2))).toBe(true);

    const keys = new Outbox();
    let count = 0;
    while (keys.add(Uint8Array.of(65))) count += 1;
    expect(count).toBe(Math.floor(WAITING_MAX / (INPUT_COST + 1)));
    // An acknowledgement frees the room in full.
    for (const { number } of keys.next()) keys.taken(number);
    expect(keys.add(new Uint8Array(WAITING_MAX / 2))).toBe(true);
  });
});

describe("coming back", () => {
  it("gives what the session does not have, in order, and nothing twice", () => {
    const box = outbox("one", "two", "three", "four");
    box.taken(1);
    expect(box.resume(2)).toEqual([
      { number: 3, bytes: utf8("three") },
      { number: 4, bytes: utf8("four") },
    ]);
    expect(numbers(box.resume(2))).toEqual([3, 4]);
    expect(numbers(box.resume(4))).toEqual([]);
    expect(numbers(sends(box, utf8("five")))).toEqual([5]);
  });

  it("goes on behind the number that the session has", () => {
    const box = new Outbox();
    expect(box.resume(7)).toEqual([]);
    expect(numbers(sends(box, utf8("x")))).toEqual([8]);
  });

  it("does not take a refusal for something that the session has", () => {
    const box = outbox("one", "two");
    box.refused(1);
    expect(numbers(box.resume(0))).toEqual([2]);
  });

  it("types nothing again into a session that forgot this client", () => {
    const box = outbox("one", "two", "three");
    box.taken(1);
    box.taken(2);
    expect(box.resume(0)).toBeNull();
    expect(box.begin(0)).toBe("three".length);
    expect(numbers(sends(box, utf8("x")))).toEqual([1]);
  });

  it("makes no fuss about reports of focus and mouse", () => {
    const box = outbox("\x1b[I", "typed", "\x1b[<35;1;1M", "x");
    expect(box.refused(3)).toBe(false);
    expect(box.refused(4)).toBe(true);
    expect(box.begin(0)).toBe("typed".length);
    expect(box.refused(99)).toBe(true);
  });

  it("begins anew in another session, and tells how much was left", () => {
    const box = outbox("one", "two");
    box.add(new Uint8Array(2 * SENT_MAX));
    box.next();
    expect(box.begin(0)).toBe(6 + 2 * SENT_MAX);
    expect(box.next()).toEqual([]);
    expect(box.begin(0)).toBe(0);
    expect(box.resume(0)).toEqual([]);
  });
});
