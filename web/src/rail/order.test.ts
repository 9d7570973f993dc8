import { expect, it } from "vitest";
import type { Row } from "../overview/row";
import { initials, RAIL_MAX, railed } from "./order";

const row = (n: number, agent_state: string) =>
  ({ id: String(n), since: n, session: { status: "running", agent_state, asks: null } }) as Row;

it("puts waiting projects first, and keeps the shown one", () => {
  const rows = Array.from({ length: 100 }, (_, n) => row(n, n === 3 ? "waiting_permission" : "idle"));
  const shown = railed(rows, "0").map(({ id }) => id);
  expect([shown.length, shown[0], shown[1], shown.at(-1)]).toEqual([RAIL_MAX, "3", "99", "0"]);
});

it("makes two letters of any name", () => {
  const names = ["web shop", "warehouse", "a", "", "loja-do-zé", "ÿx", "日本 語"];
  expect(names.map(initials)).toEqual(["WS", "WA", "A", "", "LD", "ŸX", "日語"]);
});
