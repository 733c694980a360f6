import type { TaskSummary } from "src/api/schema.gen";
import { choicesAt, descriptionAt } from "src/workbench/assist";
import { expect, test } from "vitest";

const HTTP = {
  type: "object",
  properties: {
    url: { type: "string", description: "the address" },
    method: { enum: ["GET", "POST"] },
  },
  required: ["url"],
};

function task(taskId: string, argumentsSchema: TaskSummary["argumentsSchema"] = null): [string, TaskSummary] {
  const about = { name: `Task ${taskId}`, description: "does it", operator: taskId };
  return [taskId, { taskId, ...about, source: "built-in", revision: null, argumentsSchema }];
}

const TASKS = new Map([task("noop"), task("http", HTTP)]);

/** What can be written at the | of a text. */
function at(marked: string) {
  const offset = marked.indexOf("|");
  const text = marked.replace("|", "");
  const found = choicesAt(text, offset, TASKS);
  const apply = (label: string) => {
    const choice = found?.choices.find((each) => each.label === label);
    return found && choice && text.slice(0, found.from) + choice.insert + text.slice(found.to);
  };
  return { labels: found?.choices.map(({ label }) => label) ?? [], apply };
}

const steps = (
  inner: string,
) => `{"inputSchema": {"properties": {"amount": {}, "who": {"properties": {"name": {}}}}},
  "steps": [{"stepId": "a", "taskId": "http", ${inner}}, {"stepId": "b", "taskId": "noop"}]}`;

test("keys are those of the format that are not there yet", () => {
  const { labels, apply } = at(steps('"|"'));
  expect(labels).toContain("retryPolicy");
  expect(labels).not.toContain("stepId");
  expect(apply("next")).toBe(steps('"next": []'));
  expect(apply("timeout")).toBe(steps('"timeout": ""'));
  expect(at('{"|": 1}').apply("name")).toBe('{"name": 1}');
});

test("values are those that the format allows", () => {
  expect(at(steps('"onTimeout": "|"')).labels).toEqual(["fail", "alert"]);
  expect(at(steps('"failFast": |')).apply("true")).toBe(steps('"failFast": true'));
  expect(at(steps('"retryPolicy": {"strategy": "|"}')).labels).toContain("exponential");
});

test("tasks and steps are named by their ids", () => {
  expect(at('{"steps": [{"taskId": "|"}]}').labels).toEqual(["noop", "http"]);
  expect(at(steps('"next": [{"nextStepId": "|"}]')).labels).toEqual(["b", "end", "fail"]);
  expect(at(steps('"next": [{"nextStepId": "|"}]')).apply("b")).toBe(steps('"next": [{"nextStepId": "b"}]'));
});

test("arguments are those of the task", () => {
  expect(at(steps('"arguments": {"|"}')).labels).toEqual(["url", "method"]);
  expect(at(steps('"arguments": {"method": "|"}')).labels).toEqual(["GET", "POST"]);
});

test("expressions know the input and the steps", () => {
  expect(at(steps('"next": [{"condition": "|"}]')).labels).toContain("data");
  expect(at(steps('"next": [{"condition": "data.|"}]')).labels).toEqual(["amount", "who"]);
  expect(at(steps('"next": [{"condition": "data.who.|"}]')).labels).toEqual(["name"]);
  expect(at(steps('"input": {"type": "cel", "expression": "steps.|"}')).labels).toEqual(["a", "b"]);
  expect(at(steps('"next": [{"condition": "data.am|"}]')).apply("amount")).toBe(
    steps('"next": [{"condition": "data.amount"}]'),
  );
});

test("what stands at the cursor is described", () => {
  const found = (marked: string) => {
    const offset = marked.indexOf("|");
    return descriptionAt(marked.replace("|", ""), offset, TASKS);
  };
  expect(found(steps('"on|Timeout": "fail"'))).toMatchObject({
    place: "steps.0.onTimeout",
    values: ['"fail"', '"alert"'],
    fallback: '"fail"',
  });
  expect(found(steps('"arguments": {"u|rl": ""}'))?.text).toBe("the address");
  expect(found('{"steps": [{"taskId": "no|op"}]}')?.text).toBe("Task noop\ndoes it");
  expect(found(steps('"nonsense|": 1'))).toBeNull();
  expect(
    found("|")
      ?.properties.filter(({ required }) => required)
      .map(({ name }) => name),
  ).toContain("steps");
});
