import { linkOf, written } from "src/parts/values";
import { expect, test } from "vitest";

test.each([
  [null, "text", "–"],
  ["a", "text", "a"],
  [true, "text", "true"],
  [{ a: 1 }, "text", null],
  [1234.5, "number", (1234.5).toLocaleString()],
  ["12", "number", "12"],
  [0.125, "percent", (0.125).toLocaleString(undefined, { style: "percent", maximumFractionDigits: 1 })],
  [false, "boolean", "no"],
  ["PT1H30M", "duration", "1 h 30 min"],
  ["P1W", "duration", "7 d"],
  [90, "duration", "1 min 30 s"],
  ["PT", "duration", "PT"],
  ["soon", "duration", "soon"],
  ["2026-02-03", "date", new Date(2026, 1, 3).toLocaleDateString(undefined, { dateStyle: "medium" })],
  ["2026-02-03", "datetime", new Date(2026, 1, 3).toLocaleDateString(undefined, { dateStyle: "medium" })],
  ["never", "datetime", "never"],
  [[1], "json", null],
  ["https://example.com/x", "link", null],
  ["javascript:alert(1)", "link", "javascript:alert(1)"],
])("%j as %s is %j", (value, format, expected) => {
  expect(written(value, format)).toBe(expected);
});

test.each(["javascript:alert(1)", "data:text/html,x", "//example.com", "/local", "x", 5, null])(
  "%j is no link",
  (value) => {
    expect(linkOf(value)).toBeNull();
  },
);
