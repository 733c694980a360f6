import { span, step, view } from "src/testing/samples";
import { durationOf, partingOf, stepRows, valueRows } from "src/workflow/compare";
import { describe, expect, test } from "vitest";

const told = (rows: ReturnType<typeof valueRows>) => rows.map(({ name, verdict }) => `${name} ${verdict}`);

describe("values", () => {
  test("a field that is the same is one row, of others what differs within", () => {
    const left = { amount: 5, customer: { name: "Ada", city: "Bonn" }, lines: [{ sku: "A" }, { sku: "B" }] };
    const right = { amount: 5, customer: { name: "Bob", city: "Bonn" }, lines: [{ sku: "A" }] };
    expect(told(valueRows(left, right))).toEqual([
      "amount same",
      "customer.name differs",
      "customer.city same",
      "lines[0] same",
      "lines[1] differs",
    ]);
    expect(valueRows(left, right).at(-1)?.values).toEqual([{ sku: "B" }, undefined]);
  });

  test("the order of keys is no difference, that of items is", () => {
    expect(told(valueRows({ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }))).toEqual(["a same"]);
    expect(told(valueRows([1, 2], [2, 1]))).toEqual(["[0] differs", "[1] differs"]);
  });

  test("null, a missing field and another type are told apart", () => {
    expect(told(valueRows({ a: null, b: 1 }, { b: "1" }))).toEqual(["a differs", "b differs"]);
    expect(told(valueRows({ a: {} }, { a: [] }))).toEqual(["a differs"]);
  });

  test("of two masked values nobody knows whether they are the same", () => {
    expect(told(valueRows({ pin: "***", n: 1 }, { pin: "***", n: 1 }))).toEqual(["pin masked", "n same"]);
    expect(told(valueRows({ a: { pin: "***", n: 1 } }, { a: { pin: "***", n: 1 } }))).toEqual([
      "a.pin masked",
      "a.n same",
    ]);
    expect(told(valueRows({ pin: "***" }, {}))).toEqual(["pin differs"]);
    expect(told(valueRows({ text: 'no "***"' }, { text: 'no "***"' }))).toEqual(["text same"]);
  });

  test("nothing on both sides is no row, on one side the whole document", () => {
    expect(valueRows(null, undefined)).toEqual([]);
    expect(told(valueRows(null, { type: "HttpError" }))).toEqual([" differs"]);
  });
});

describe("paths", () => {
  const done = (stepId: string, next: string) => step(stepId, { status: "completed", next });

  test("steps of both stand in the order in which they began", () => {
    const left = view({ steps: [done("a", "b"), done("b", "d"), done("d", "end")] });
    const right = view({ steps: [done("a", "c"), done("c", "d"), done("d", "end")] });
    const rows = stepRows([left, right]);
    expect(rows.map(({ stepId, verdict }) => `${stepId} ${verdict}`)).toEqual([
      "a differs",
      "c differs",
      "b differs",
      "d same",
    ]);
    expect(rows[1]?.states[0]).toBeNull();
    expect(partingOf(rows)).toEqual({ stepId: "a", next: ["b", "c"] });
  });

  test("visits, attempts, status and failure make a difference, times do not", () => {
    const left = view({ steps: [step("a", { completedAt: "2026-01-01T10:00:05Z" })] });
    const verdict = (more: Parameters<typeof step>[1]) =>
      stepRows([left, view({ steps: [step("a", more)] })])[0]?.verdict;
    expect(verdict({ startedAt: "2026-02-01T10:00:00Z" })).toBe("same");
    expect(verdict({ visits: 2, attempts: 2 })).toBe("differs");
    expect(verdict({ attempts: 2 })).toBe("differs");
    expect(verdict({ status: "failed" })).toBe("differs");
    expect(verdict({ error: { type: "HttpError" } })).toBe("differs");
  });

  test("attempts are not compared where a log lacks some", () => {
    const left = view({ steps: [step("a", { attempts: 3 })] });
    const right = view({ steps: [step("a")], timeline: { complete: false, spans: [span("a")] } });
    expect(stepRows([left, right])[0]?.verdict).toBe("same");
  });

  test("who has not decided yet has not parted", () => {
    const left = view({ steps: [done("a", "b"), step("b")] });
    const right = view({ steps: [done("a", "b"), done("b", "c")] });
    expect(partingOf(stepRows([left, right]))).toBeNull();
  });
});

test("the duration of what is live reaches to now", () => {
  const now = Date.parse("2026-01-01T10:01:00Z");
  expect(durationOf(view(), now)).toBe(60_000);
  expect(durationOf(view({ completedAt: "2026-01-01T10:00:10Z" }), now)).toBe(10_000);
});
