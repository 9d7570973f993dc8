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
    // A form by number is a matter of the language.
    const marks = (text: string) => [...new Set((text.match(/\{\w+#?\}/g) ?? []).sort())];
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect(marks(ptBr[key]), key).toEqual(marks(en[key]));
      expect(ptBr[key].trim(), key).not.toBe("");
    }
  });

  it("forms plurals and orders", () => {
    expect(translate("en", "milestone.more", { count: 1 })).toBe("1 more is not shown.");
    expect(translate("en", "milestone.more", { count: 1200 })).toBe("1,200 more are not shown.");
    expect(translate("pt-BR", "milestone.more", { count: 0 })).toBe("Mais 0 não é mostrado.");
    expect(translate("pt-BR", "milestone.more", { count: 1200 })).toBe("Mais 1.200 não são mostrados.");
    const places = [1, 2, 3, 4, 11, 22].map((place) => translate("en", "milestone.line", { place }));
    expect(places.map((text) => text.split(" ")[0])).toEqual(["1st", "2nd", "3rd", "4th", "11th", "22nd"]);
    expect(translate("pt-BR", "milestone.line", { place: 2 })).toBe("2º na fila");
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
