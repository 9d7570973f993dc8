import { expect, it } from "vitest";
import { absolute } from "./link";

it("makes whole addresses, also below a path", () => {
  expect(absolute("/share/x", "http://a:1/", "/")).toBe("http://a:1/share/x");
  expect(absolute("/share/x", "https://a/wx/", "/wx/")).toBe("https://a/wx/share/x");
  expect(absolute("/wx/share/x", "https://a/wx/", "/wx/")).toBe("https://a/wx/share/x");
  expect(absolute("https://b/share/x", "https://a/wx/", "/wx/")).toBe("https://b/share/x");
});
