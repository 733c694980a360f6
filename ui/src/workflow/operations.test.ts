import { Unreadable } from "src/forms/schema";
import { t } from "src/texts";
import { bodyOf, NOTHING, OPERATIONS, problemsOf } from "src/workflow/operations";
import { expect, test } from "vitest";

const FREE = { type: "object", properties: { a: {} } };

test("a request says what was chosen and nothing else", () => {
  expect(bodyOf("suspend", NOTHING)).toEqual({});
  expect(bodyOf("cancel", { ...NOTHING, reason: " late ", compensate: true, version: "newest" })).toEqual({
    reason: "late",
    compensate: true,
  });
  expect(bodyOf("retry", { ...NOTHING, version: "newest" })).toEqual({ version: "newest" });
  expect(bodyOf("restart", NOTHING)).toEqual({ version: "same" });
  expect(bodyOf("restart", { ...NOTHING, fromStepId: "b", document: { a: 1 } })).toEqual({
    version: "same",
    fromStepId: "b",
    input: { a: 1 },
  });
  expect(bodyOf("skip", { ...NOTHING, stepId: "a" })).toEqual({ stepId: "a", output: {} });
});

test.each([[[]], [5], [null], ["x"]])("%j is not a document", (document) => {
  expect(problemsOf("skip", { ...NOTHING, document })).toEqual({ "": ["Enter a JSON object: {…}"] });
});

test("what is no JSON, or does not fit, is not sent", () => {
  expect(problemsOf("restart", { ...NOTHING, document: new Unreadable("{") })).toEqual({
    "": ["Not valid JSON"],
  });
  expect(problemsOf("restart", { ...NOTHING, document: { a: new Unreadable("{") }, schema: FREE })).toEqual({
    "/a": ["Not valid JSON"],
  });
  expect(problemsOf("restart", NOTHING)).toEqual({});
});

test("every operation says what it does", () => {
  for (const { title, text } of Object.values(OPERATIONS)) {
    expect(t(title)).not.toBe("");
    expect(t(text).endsWith(".")).toBe(true);
  }
});
