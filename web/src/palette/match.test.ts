import { expect, it } from "vitest";
import { best, score } from "./match";

const names = ["Web shop", "Payment service", "Warehouse", "Açúcar", "shop-admin"];
const found = (query: string) => best(names, query, (name) => name, 3);

it("finds pieces before scattered letters", () => {
  expect(found("shop")).toEqual(["shop-admin", "Web shop"]);
  expect(found("wsh")).toEqual(["Web shop"]);
  expect(found("ps")[0]).toBe("Payment service");
});

it("ignores case and accents", () => {
  expect(found("ACUCAR")).toEqual(["Açúcar"]);
  expect(score("x", "y")).toBeNull();
});

it("keeps the order without a query, and the bound", () => {
  expect(found(" ")).toEqual(names.slice(0, 3));
});
