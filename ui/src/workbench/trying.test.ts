import { statesOf } from "src/graph/states";
import { drawn } from "src/workbench/drawing";
import { bodyOf, scenarioFile, viewOf } from "src/workbench/trying";
import { expect, test } from "vitest";

const DOCUMENT = {
  workflowId: "w",
  steps: [
    {
      stepId: "ask",
      taskId: "approval",
      next: [{ nextStepId: "book", condition: "true" }, { nextStepId: "end" }],
    },
    { stepId: "book", taskId: "http" },
  ],
};
const SCRIPT = {
  input: { amount: 1 },
  steps: [
    { stepId: "ask", answer: { decision: "approve" } },
    { stepId: "book", mock: { error: { type: "HttpError" } } },
    { stepId: "book", mock: { output: { ok: true } } },
  ],
  events: [],
  start: "2026-03-29T00:30:00.000Z",
};
const RESULT = {
  status: "failed" as const,
  output: null,
  error: { type: "HttpError", code: null, message: "no" },
  path: [{ stepId: "ask", status: "completed" }],
  state: {
    steps: {
      ask: { status: "completed", visit: 1, attempt: 1, next: "book", way: "ask/next/0" },
      book: { status: "failed", visit: 1, attempt: 2 },
    },
  },
  warnings: [],
};

test("outcomes and answers go to their steps, in their order", () => {
  expect(bodyOf(DOCUMENT, SCRIPT)).toEqual({
    definition: DOCUMENT,
    input: { amount: 1 },
    start: SCRIPT.start,
    mocks: { book: [{ error: { type: "HttpError" } }, { output: { ok: true } }] },
    answers: { ask: [{ decision: "approve" }] },
    events: [],
  });
});

test("the graph shows the path that was tried", () => {
  const graph = drawn(DOCUMENT);
  const states = statesOf(graph, viewOf(RESULT));
  expect([states.node("ask").status, states.node("book").status]).toEqual(["completed", "failed"]);
  expect(graph.edges.filter((edge) => states.taken(edge) > 0).map(({ id }) => id)).toEqual([
    ".start",
    "ask/next/0",
  ]);
});

test("a scenario file repeats what was tried, and expects the same", () => {
  const { workflow, scenarios } = JSON.parse(scenarioFile("w", "Tried", SCRIPT, RESULT));
  expect(workflow).toBe("w");
  expect(scenarios).toEqual([
    {
      name: "Tried",
      start: SCRIPT.start,
      input: { amount: 1 },
      mocks: { book: [{ error: { type: "HttpError" } }, { output: { ok: true } }] },
      answers: { ask: [{ decision: "approve" }] },
      expect: {
        status: "failed",
        steps: { ask: "completed", book: "failed" },
        error: { type: "HttpError" },
      },
    },
  ]);
});
