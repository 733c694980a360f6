// The texts of all views: en.json and de.json hold them, i18next finds and fills them in.

import { createInstance, type ParseKeys, type TFunction } from "i18next";
import { useSyncExternalStore } from "react";
import de from "src/texts/de.json";
import en from "src/texts/en.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
    returnNull: false;
  }
}

/** The languages that there are texts in; English where Airflow's own language is none of them. */
export const TEXTS = { en, de };

/** Where Airflow keeps the language that its user has chosen, or that it has found in the browser. */
const CHOSEN = "i18nextLng";

const texts = createInstance();
void texts.init({
  initAsync: false,
  resources: { en: { translation: en }, de: { translation: de } },
  lng: wanted(),
  fallbackLng: "en",
  showSupportNotice: false,
  // React escapes what it shows.
  interpolation: { escapeValue: false },
});

/** The name of a text; of one with numbers without its ending. */
export type TextKey = ParseKeys;

/** A text in the language of the page; `count` chooses between its numbers. */
export const t: TFunction = texts.t.bind(texts) as TFunction;

/** The language of the page, as Intl knows it: Airflow's own, with its region, where there are texts in it. */
export function language(): string {
  const chosen = chosenByAirflow();
  return chosen.split("-")[0] === texts.language ? chosen : texts.language;
}

/** The language of the page; whoever uses it is drawn again when another one is chosen. */
export function useLanguage(): string {
  return useSyncExternalStore(watch, () => texts.language);
}

/** What a text calls one of a family, such as a status; those without a text keep their own name. */
export function nameOf(family: Family, name: string): string {
  // Names come from outside: i18next would look for more in one that it does not know.
  const found = `${family}.${name}`.split(".").reduce<unknown>(within, en);
  return typeof found === "string" ? t(`${family}.${name}` as TextKey) : name;
}

/** Whether there is a text of this name. */
export function hasText(key: string): key is TextKey {
  return typeof key.split(".").reduce<unknown>(within, en) === "string";
}

type Family = "status" | "event" | "task.option";
type Names = Record<string, unknown>;

function within(names: unknown, part: string): unknown {
  return typeof names === "object" && names !== null && Object.hasOwn(names, part)
    ? (names as Names)[part]
    : undefined;
}

/** A status in words. */
export function statusName(status: string): string {
  return nameOf("status", status);
}

/** An event of the execution log in words. */
export function eventName(event: string): string {
  return nameOf("event", event);
}

/** Several things in one sentence: "a, b, and c". */
export function conjunction(parts: readonly string[]): string {
  return new Intl.ListFormat(language()).format(parts);
}

/** Several things of which one holds: "a, b, or c". */
export function disjunction(parts: readonly string[]): string {
  return new Intl.ListFormat(language(), { type: "disjunction" }).format(parts);
}

function wanted(): string {
  const base = chosenByAirflow().toLowerCase().split("-")[0] ?? "";
  return base in TEXTS ? base : "en";
}

function chosenByAirflow(): string {
  return stored() || document.documentElement.lang || navigator.language || "en";
}

function stored(): string | null {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    // A browser that keeps nothing.
    return null;
  }
}

function watch(changed: () => void): () => void {
  texts.on("languageChanged", changed);
  return () => texts.off("languageChanged", changed);
}

function follow(): void {
  if (wanted() !== texts.language) void texts.changeLanguage(wanted());
}

// Airflow names its language on the page when another one is chosen.
new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ["lang"] });
