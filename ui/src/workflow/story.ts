// The rows of the execution log as sentences.

import type { LogEntry } from "src/api/schema.gen";
import { eventName, hasText, nameOf, type TextKey, t } from "src/texts";

type Names = ReadonlyMap<string, string>;

/** What happened: "Book the flight failed, attempt 2: HttpError 404". */
export function storyOf(row: LogEntry, names: Names): string {
  const nameOfStep = (stepId: unknown) => (typeof stepId === "string" ? (names.get(stepId) ?? stepId) : "");
  const data = row.data ?? {};
  const happened =
    row.stepId !== null && hasText(`story.${row.event}`)
      ? t(`story.${row.event}` as TextKey, {
          step: nameOfStep(row.stepId),
          option: nameOf("task.option", String(data.decision ?? "")),
          user: String(data.to ?? ""),
        })
      : eventName(row.event);
  const next = typeof data.next === "string" && names.has(data.next) ? nameOfStep(data.next) : null;
  const parts = [
    String(happened),
    row.scope === "" ? null : t("log.in", { scope: row.scope }),
    row.visit !== null && row.visit > 1 ? t("log.visit", { number: row.visit }) : null,
    row.attempt !== null && row.attempt > 1 ? t("log.attempt", { number: row.attempt }) : null,
    next === null ? null : t("log.next", { step: next }),
    row.actor === null ? null : t("log.by", { user: String(row.actor.name ?? row.actor.id) }),
  ];
  const sentence = parts.filter(Boolean).join(", ");
  const more = row.message ?? errorIn(data.error);
  return more === null ? sentence : `${sentence}: ${more}`;
}

/** What went wrong, in one line; null where nothing did. */
function errorIn(error: unknown): string | null {
  if (typeof error !== "object" || error === null) return null;
  const { type, code, message } = error as Record<string, unknown>;
  const kind = [type, code].filter((each) => typeof each === "string").join(" ");
  return [kind, typeof message === "string" ? message : ""].filter(Boolean).join(" – ") || null;
}

/** Whether a row has all words of a search, in what people read or in its data. */
export function hasWords(row: LogEntry, story: string, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = [story, row.event, row.stepId ?? "", JSON.stringify(row.data ?? {})].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}
