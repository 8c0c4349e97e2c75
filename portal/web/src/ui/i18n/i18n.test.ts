import { describe, expect, it } from "vitest";
import { onboardingStates, onboardingTexts } from "../../portal/onboardingWords";
import { de } from "./de";
import { en } from "./en";
import { es } from "./es";
import { fr } from "./fr";
import { locales, pickLocale, words } from "./index";
import { pt } from "./pt";

const catalogues = { en, de, es, fr, pt };
const values = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();

describe("translations", () => {
  it.each(Object.keys(locales))("%s has every text with the same values as English", (code) => {
    for (const [catalogue, english] of [
      [catalogues[code as keyof typeof catalogues], en],
      [onboardingTexts[code] ?? {}, onboardingTexts.en ?? {}],
    ] as [Record<string, string>, Record<string, string>][]) {
      expect(Object.keys(catalogue).sort()).toEqual(Object.keys(english).sort());
      for (const [key, text] of Object.entries(english)) {
        expect(catalogue[key], key).toBeTruthy();
        expect(values(catalogue[key] ?? ""), key).toEqual(values(text));
      }
    }
    for (const [state, texts] of Object.entries(onboardingStates)) expect(texts[code], state).toBeTruthy();
  });

  it("counts in the plural form of the language", () => {
    expect(words("en", en).count("sources", 1)).toBe("1 source");
    expect(words("fr", fr).count("sources", 0)).toBe("0 source");
    expect(words("de", de).count("new_messages", 1200)).toBe("1.200 neue Nachrichten");
  });

  it("takes the first language it speaks", () => {
    expect(pickLocale(["ja", "pt-BR", "de"])).toBe("pt");
    expect(pickLocale(["", "constructor", "xx"])).toBe("en");
  });
});
