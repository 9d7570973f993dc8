import { describe, expect, it } from "vitest";
import { en } from "./en";
import { ago, chooseLanguage, translate } from "./i18n";
import { ptBr } from "./pt_br";

describe("the languages", () => {
  it("takes the first wish that it speaks", () => {
    expect(chooseLanguage(["pt-BR", "en"])).toBe("pt-BR");
    expect(chooseLanguage(["pt"])).toBe("pt-BR");
    expect(chooseLanguage(["de", "en-GB", "pt"])).toBe("en");
    expect(chooseLanguage(["ja"])).toBe("en");
    expect(chooseLanguage([])).toBe("en");
  });

  it("fills in values, in every language the same ones", () => {
    expect(translate("en", "terminal.ended_code", { code: 3 })).toBe(
      "The session has ended with exit code 3.",
    );
    const marks = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect(marks(ptBr[key]), key).toEqual(marks(en[key]));
      expect(ptBr[key].trim(), key).not.toBe("");
    }
  });

  it("says how long ago", () => {
    const now = Date.parse("2026-05-10T12:00:00Z");
    expect(ago("2026-05-10T11:59:30Z", now, "en")).toBe("now");
    expect(ago("2026-05-10T11:55:00Z", now, "en")).toBe("5 minutes ago");
    expect(ago("2026-05-10T09:00:00Z", now, "pt-BR")).toBe("há 3 horas");
    expect(ago("2026-05-09T11:00:00Z", now, "en")).toBe("yesterday");
    expect(ago("2026-04-01T12:00:00Z", now, "en")).toBe("Apr 1, 2026");
    expect(ago("nonsense", now, "en")).toBe("");
  });
});
