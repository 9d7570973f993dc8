import { expect, it } from "vitest";
import { IDLE_MAX_MS, parseCast, sizeIn } from "./cast";
import { Player } from "./player";

const LINES = [
  { version: 3, term: { cols: 80, rows: 24 }, timestamp: 1_700_000_000 },
  [0.5, "o", "one "],
  [1, "o", "two "],
  [0, "r", "100x30"],
  [60, "o", "three"],
  [0, "x", "0"],
];
const text = `${LINES.map((line) => JSON.stringify(line)).join("\n")}\n`;

function setup() {
  let screen = "";
  const sizes: string[] = [];
  const canvas = {
    write: (data: string, parsed?: () => void) => {
      screen += data;
      parsed?.();
    },
    reset: () => {
      screen = "";
    },
    resize: (cols: number, rows: number) => void sizes.push(`${cols}x${rows}`),
  };
  const player = new Player(parseCast(text), canvas, () => {});
  return { player, sizes, screen: () => screen };
}

it("reads events with times of two kinds", () => {
  const { size, began, events } = parseCast(`${text}[0.1,"i","typed"]\n[1,`);
  expect([size, began]).toEqual([{ cols: 80, rows: 24 }, 1_700_000_000_000]);
  expect(events.map(({ kind }) => kind)).toEqual(["output", "output", "size", "output", "exit"]);
  expect(events.map(({ real }) => real)).toEqual([500, 1_500, 1_500, 61_500, 61_500]);
  expect(events.at(-1)?.at).toBe(1_500 + IDLE_MAX_MS);
});

it("refuses another format and impossible sizes", () => {
  expect(() => parseCast('{"version":2,"width":80,"height":24}\n')).toThrow();
  expect([sizeIn("100x30"), sizeIn("0x1"), sizeIn("9999x1"), sizeIn("x")]).toEqual([
    { cols: 100, rows: 30 },
    null,
    null,
    null,
  ]);
});

it("shows any moment, also an earlier one", () => {
  const { player, screen, sizes } = setup();
  player.seek(1_000);
  expect([screen(), player.over]).toEqual(["one ", false]);
  player.seek(Number.POSITIVE_INFINITY);
  expect([screen(), player.over]).toEqual(["one two three", true]);
  player.seek(1_500);
  expect([screen(), player.position]).toEqual(["one two ", 1_500]);
  expect(sizes).toEqual(["80x24", "100x30", "80x24", "100x30"]);
});

it("keeps its moment when silences get their length", () => {
  const { player, screen } = setup();
  player.seek(2_000);
  expect(player.duration).toBe(1_500 + IDLE_MAX_MS);
  player.keepSilences(true);
  expect([player.position, player.duration]).toEqual([2_000, 61_500]);
  player.seek(60_000);
  player.keepSilences(false);
  expect(player.position).toBe(1_500 + IDLE_MAX_MS);
  expect(screen()).toBe("one two ");
});
