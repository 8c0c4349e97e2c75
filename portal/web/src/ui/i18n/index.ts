import { createContext, useContext } from "react";
import { en, type Messages } from "./en";

export const locales = { en: "English", de: "Deutsch", es: "Español", fr: "Français", pt: "Português" } as const;
export type Locale = keyof typeof locales;

type Vars = Record<string, string | number>;
type Plain = { [K in keyof Messages]: K extends `${string}_one` | `${string}_other` ? never : K }[keyof Messages];
type Counted = { [K in keyof Messages]: K extends `${infer Base}_other` ? Base : never }[keyof Messages];

export type Words = {
  /** The language of the texts. */
  language: Locale;
  /** The same with the reader's region, for dates and numbers: en-GB. */
  locale: string;
  /** The text of a key with its values filled in. */
  t: (key: Plain, vars?: Vars) => string;
  /** The text of a counted key, in the plural form the language asks for. */
  count: (key: Counted, n: number, vars?: Vars) => string;
};

const fill = (text: string, vars?: Vars) => text.replace(/\{(\w+)\}/g, (whole, name: string) => (vars && name in vars ? String(vars[name]) : whole));

export function words(locale: Locale, messages: Messages): Words {
  const rules = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);
  return {
    language: locale,
    locale: regional(locale),
    t: (key, vars) => fill(messages[key], vars),
    count: (key, n, vars) => fill(messages[`${key}_${rules.select(n) === "one" ? "one" : "other"}` as keyof Messages], { n: number.format(n), ...vars }),
  };
}

function regional(locale: Locale): string {
  const tags = typeof navigator === "undefined" ? [] : navigator.languages;
  return tags.find((tag) => tag.toLowerCase().startsWith(`${locale}-`)) ?? locale;
}

/** The best supported locale of a list such as navigator.languages. */
export function pickLocale(wanted: readonly string[]): Locale {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split("-")[0] ?? "";
    if (Object.hasOwn(locales, base)) return base as Locale;
  }
  return "en";
}

/** Words of a locale; every language but English is its own small file. */
export async function loadWords(locale: Locale): Promise<Words> {
  switch (locale) {
    case "de":
      return words(locale, (await import("./de")).de);
    case "es":
      return words(locale, (await import("./es")).es);
    case "fr":
      return words(locale, (await import("./fr")).fr);
    case "pt":
      return words(locale, (await import("./pt")).pt);
    case "en":
      return words(locale, en);
  }
}

export const WordsContext = createContext<Words>(words("en", en));

/** The words of the current language. */
export const useWords = (): Words => useContext(WordsContext);
