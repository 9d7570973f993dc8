import { expect, it } from "vitest";
import { ApiError } from "../api/client";
import { problemText } from "./problem";

it("words a problem by its code", () => {
  const taken = new ApiError(409, "workspace_path belongs to …", { code: "workspace_taken", name: "Shop" });
  expect(problemText(taken)).toBe("The project “Shop” already works in this folder. Choose another one.");
});

it("leaves other problems in the server's words", () => {
  expect(problemText(new ApiError(409, "Something.", { code: "unknown" }))).toBe("Something.");
  expect(problemText(new ApiError(422, "Something else."))).toBe("Something else.");
  expect(problemText(new Error("broken"))).toBe("broken");
});

it("says that the server does not answer", () => {
  expect(problemText(new ApiError(0, ""))).toContain("cannot be reached");
});
