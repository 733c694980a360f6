import type { LogEntry } from "src/api/schema.gen";
import { hasWords, storyOf } from "src/workflow/story";
import { expect, test } from "vitest";

const names = new Map([
  ["book", "Book the flight"],
  ["pay", "Pay"],
]);

function row(event: string, more: Partial<LogEntry> = {}): LogEntry {
  return {
    id: 1,
    at: "2026-01-01T10:00:00Z",
    level: "info",
    event,
    stepId: null,
    scope: "",
    visit: null,
    attempt: null,
    actor: null,
    metadata: null,
    data: null,
    message: null,
    ...more,
  };
}

test.each([
  [row("instance.started", { actor: { id: "1", name: "Ada" } }), "Instance started, by Ada"],
  [
    row("step.completed", { stepId: "book", data: { next: "pay" } }),
    "Book the flight completed, continues with Pay",
  ],
  [row("step.completed", { stepId: "pay", data: { next: "end" } }), "Pay completed"],
  [
    row("step.failed", {
      stepId: "book",
      attempt: 2,
      visit: 3,
      scope: "each[1]",
      data: { error: { type: "HttpError", code: "404", message: "no such flight" } },
    }),
    "Book the flight failed, in each[1], visit 3, attempt 2: HttpError 404 – no such flight",
  ],
  [
    row("question.answered", {
      stepId: "pay",
      actor: { id: "grace" },
      data: { decision: "approve" },
      message: "fine",
    }),
    "Pay: answered “Approve”, by grace: fine",
  ],
  [row("step.completed", { stepId: "gone" }), "gone completed"],
  [row("something.new", { stepId: "pay" }), "something.new"],
])("%o", (entry, story) => {
  expect(storyOf(entry, names)).toBe(story);
});

test("a search finds words of the sentence, the event and the data, in any case and order", () => {
  const entry = row("step.failed", { stepId: "book", data: { flight: "LH-17" } });
  const story = storyOf(entry, names);
  for (const search of ["", "  ", "flight FAILED", "lh-17", "step.failed"])
    expect([search, hasWords(entry, story, search)]).toEqual([search, true]);
  expect(hasWords(entry, story, "flight completed")).toBe(false);
});
