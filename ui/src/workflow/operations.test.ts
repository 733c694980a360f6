import { t } from "src/texts";
import { bodyOf, NOTHING, OPERATIONS } from "src/workflow/operations";
import { expect, test } from "vitest";

test("a request says what was chosen and nothing else", () => {
  expect(bodyOf("suspend", NOTHING)).toEqual({});
  expect(bodyOf("cancel", { ...NOTHING, reason: " late ", compensate: true, version: "newest" })).toEqual({
    reason: "late",
    compensate: true,
  });
  expect(bodyOf("retry", { ...NOTHING, version: "newest" })).toEqual({ version: "newest" });
  expect(bodyOf("restart", NOTHING)).toEqual({ version: "same" });
  expect(bodyOf("restart", { ...NOTHING, fromStepId: "b", document: '{"a": 1}' })).toEqual({
    version: "same",
    fromStepId: "b",
    input: { a: 1 },
  });
  expect(bodyOf("skip", { ...NOTHING, stepId: "a" })).toEqual({ stepId: "a", output: {} });
});

test.each(["{", "[]", "5", "null"])("%s is no document", (document) => {
  expect(() => bodyOf("skip", { ...NOTHING, document })).toThrow(SyntaxError);
});

test("every operation says what it does", () => {
  for (const { title, text } of Object.values(OPERATIONS)) {
    expect(t(title)).not.toBe("");
    expect(t(text).endsWith(".")).toBe(true);
  }
});
