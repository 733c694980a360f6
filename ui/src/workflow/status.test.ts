import type { Question, StepState, WaitingStep } from "src/api/schema.gen";
import { START, span, step, view } from "src/testing/samples";
import { statusSentence } from "src/workflow/status";
import { timeInWork } from "src/workflow/work";
import { expect, test } from "vitest";

const NOW = Date.parse(START) + 2 * 3_600_000;
const NAMES = new Map([["book", "Book the room"]]);
const NOTHING = { questions: [], waits: [] };

const question = {
  kind: "approval",
  options: ["approve", "reject"],
  optionLabels: {},
  minApprovals: 2,
  votes: [{ by: { id: "1", name: "ada" }, decision: "approve" }],
  assignees: { roles: ["op"], users: [], groups: [] },
  claimedBy: null,
  mayAnswer: false,
  refusal: "initiator-excluded",
  askedAt: START,
  dueAt: "2026-01-02T10:00:00Z",
} as unknown as Question;
const wait = {
  stepId: "book",
  pattern: "payment.*",
  correlation: { number: "R-10", part: 2 },
  waitingSince: START,
  deadlineAt: null,
} as unknown as WaitingStep;
const sentence = (
  more: Parameters<typeof view>[0],
  waiting = NOTHING as Parameters<typeof statusSentence>[2],
) => statusSentence(view(more), NAMES, waiting, NOW);
const active = (more: Partial<StepState>) => sentence({ steps: [step("book", more)] });

test("what ended says how, and after how long", () => {
  const completedAt = "2026-01-01T10:03:00Z";
  expect(sentence({ displayStatus: "completed", completedAt })).toBe("Completed after 3 min.");
  const error = { type: "HttpError", code: "503", message: "away", stepId: "book" };
  expect(sentence({ displayStatus: "failed", completedAt, error })).toBe(
    "Failed in Book the room after 3 min: HttpError 503.",
  );
  expect(sentence({ displayStatus: "failed", completedAt, error: { type: "WorkflowTimeout" } })).toBe(
    "Failed after 3 min: WorkflowTimeout.",
  );
  expect(sentence({ displayStatus: "cancelled", error: { message: "Cancelled by ada: twice" } })).toBe(
    "Cancelled by ada: twice",
  );
});

test("what is stopped says until when", () => {
  expect(sentence({ displayStatus: "suspended" })).toMatch(/^Suspended\. .* resumes it\.$/);
  expect(sentence({ displayStatus: "queued", queuePosition: 3 })).toMatch(/^Waits for its turn, at place 3:/);
});

test("a step that failed says when it is tried again, and what was wrong", () => {
  const retrying = { status: "retrying", attempt: 2, retryAt: "2026-01-01T12:03:10Z" } as const;
  const error = { type: "HttpError", code: "503" };
  expect(active({ ...retrying, error, maxAttempts: 4 })).toMatch(
    /^Book the room: attempt 3 of 4 at .*:03:10.*, last: HttpError 503\.$/,
  );
  expect(active({ ...retrying, error })).toMatch(/^Book the room: attempt 3 at /);
});

test("a step that runs or waits says since when", () => {
  expect(active({ attempt: 1 })).toBe("Running Book the room for 2 h.");
  expect(active({ attempt: 2, maxAttempts: 3 })).toBe("Running Book the room, attempt 2 of 3, for 2 h.");
  expect(active({ status: "waiting" })).toBe("Has been waiting in Book the room for 2 h.");
  expect(active({ status: "pending", startedAt: null })).toMatch(/^Book the room starts as soon as/);
  expect(sentence({})).toBe("Continues in a moment.");
  expect(sentence({ steps: [step("book"), step("pay"), step("old", { status: "completed" })] })).toBe(
    "Running pay for 2 h. 1 more step is active.",
  );
});

test("a question says whom it asks, until when, how many have answered and why you may not", () => {
  const steps = [step("book", { status: "waiting" })];
  expect(sentence({ displayStatus: "waiting", steps }, { questions: [question], waits: [] })).toMatch(
    /^Has been waiting for people with role op for 2 h, due Fri, Jan 2, .*, 1 of 2 chose “Approve”\. You started this workflow/,
  );
  const mine = { ...question, mayAnswer: true, refusal: null, minApprovals: 1, dueAt: null, assignees: null };
  expect(sentence({ displayStatus: "waiting", steps }, { questions: [question, mine], waits: [] })).toBe(
    "Has been waiting for anyone for 2 h.",
  );
});

test("a wait for an event says for which", () => {
  const steps = [step("book", { status: "waiting" })];
  expect(sentence({ displayStatus: "waiting", steps }, { questions: [], waits: [wait] })).toBe(
    "Has been waiting for the event payment.* with number R-10 and part 2 for 2 h.",
  );
});

test("time in work leaves out waits and gaps, and counts what runs at once only once", () => {
  const at = (minutes: number) => new Date(Date.parse(START) + minutes * 60_000).toISOString();
  const spans = [
    span("a", { startedAt: at(0), endedAt: at(2) }),
    span("b", { startedAt: at(1), endedAt: at(3) }),
    span("c", { startedAt: at(10), waitingSince: at(11), endedAt: at(50) }),
    span("d", { startedAt: at(60) }),
  ];
  expect(timeInWork({ timeline: { complete: true, spans } }, Date.parse(at(61)))).toBe(5 * 60_000);
  expect(timeInWork({ timeline: { complete: false, spans } }, 0)).toBeNull();
});
