import { outlineOf, placeOf, stepAt, valueAt } from "src/workbench/outline";
import { expect, test } from "vitest";

const TEXT = `{
  "workflowId": "w",
  "steps": [
    {"stepId": "a", "taskId": "noop"},
    {"stepId": "b", "taskId": "noop", "parallelBranches": [
      {"branchId": "x", "steps": [{"stepId": "c", "taskId": "set"}]}
    ]},
    {"stepId": "d", "taskId": "noop", "forEach": {"items": [], "steps": [{"stepId": "e"}]}}
  ]
}`;

test("steps are found at their places, also those inside others", () => {
  const outline = outlineOf(TEXT);
  expect(outline.places.map(({ stepId, path }) => `${stepId} ${path.join("/")}`)).toEqual([
    "a steps/0",
    "b steps/1",
    "c steps/1/parallelBranches/0/steps/0",
    "d steps/2",
    "e steps/2/forEach/steps/0",
  ]);
  for (const { stepId, path, from, to } of outline.places) {
    expect(JSON.parse(TEXT.slice(from, to)).stepId).toBe(stepId);
    expect(valueAt(outline.document, path)).toEqual(JSON.parse(TEXT.slice(from, to)));
  }
  expect(placeOf(outline, "nowhere")).toBeNull();
});

test.each([
  ["set", "c"],
  ["branchId", "b"],
  ["workflowId", null],
  ['"e"', "e"],
])("the cursor at %s is in step %s", (at, stepId) => {
  expect(stepAt(outlineOf(TEXT), TEXT.indexOf(at))?.stepId ?? null).toBe(stepId);
});

test("a text that is being typed has the steps that can be read", () => {
  const outline = outlineOf(TEXT.slice(0, TEXT.indexOf('"branchId"')));
  expect(outline.whole).toBe(false);
  expect(outline.places.map(({ stepId }) => stepId)).toEqual(["a", "b"]);
  expect(outlineOf("").places).toEqual([]);
  expect(outlineOf("[1").places).toEqual([]);
});
