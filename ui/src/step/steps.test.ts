import { stepsOfTask } from "src/step/steps";
import { graph, node } from "src/testing/samples";
import { expect, test } from "vitest";

const GRAPH = graph(
  [
    node(".start", { kind: "start", stepId: null }),
    node("a", { airflowTaskId: "a" }),
    node("a.join", { kind: "join", stepId: "a", airflowTaskId: "a" }),
    node("b", { airflowTaskId: "b.loop" }),
    node("c", { airflowTaskId: "b.loop" }),
  ],
  [],
);

test.each([
  ["a", ["a"], true],
  ["b.loop", ["b", "c"], true],
  ["a.catch", ["a"], false],
  ["a.to.b", ["a"], false],
  ["fail.on_failure", [], false],
  ["end", [], false],
])("task %s has the steps %j", (taskId, ids, whole) => {
  const found = stepsOfTask(GRAPH, taskId);
  expect(found.steps.map(({ id }) => id)).toEqual(ids);
  if (ids.length > 0) expect(found.whole).toBe(whole);
});
