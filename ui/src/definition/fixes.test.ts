import { fixOf } from "src/definition/fixes";
import { positions } from "src/definition/positions";
import { expect, test } from "vitest";

const TEXT = '{"nxt": [ {"nextStepId" : "secnd"}, "noop"]}';

test.each([
  ["/nxt", "key", "next", '{"next": [ {"nextStepId" : "secnd"}, "noop"]}'],
  ["/nxt/0/nextStepId", "value", "second", '{"nxt": [ {"nextStepId" : "second"}, "noop"]}'],
  ["/nxt/1", "value", "http", '{"nxt": [ {"nextStepId" : "secnd"}, "http"]}'],
] as const)("%s: the %s becomes %s, and nothing else changes", (pointer, part, name, expected) => {
  const finding = { code: "WF110", severity: "error" as const, pointer, message: "", suggestion: null };
  const fix = fixOf(finding, [{ pointer, part, name }], positions(TEXT), TEXT);
  const { from, to, insert } = fix?.change ?? { from: 0, to: 0, insert: "" };
  expect(TEXT.slice(0, from) + insert + TEXT.slice(to)).toBe(expected);
  expect(fix?.title).toContain(name);
  expect(
    fixOf({ ...finding, pointer: "/other" }, [{ pointer, part, name }], positions(TEXT), TEXT),
  ).toBeNull();
});
