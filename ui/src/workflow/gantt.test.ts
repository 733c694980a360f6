import { START, span, view } from "src/testing/samples";
import { ganttOf } from "src/workflow/gantt";
import { expect, test } from "vitest";

const from = new Date(START).getTime();
const at = (seconds: number) => new Date(from + seconds * 1000).toISOString();

test("attempts of a step are bars of one row, and what is live reaches to now", () => {
  const found = ganttOf(
    view({
      timeline: {
        complete: true,
        spans: [
          span("a", { startedAt: at(0), endedAt: at(20), status: "failed" }),
          span("a", { startedAt: at(50), attempt: 2, waitingSince: at(75) }),
          span("b", { startedAt: at(10), endedAt: at(10), status: "completed" }),
          span("a", { startedAt: at(90), kind: "compensation", status: "running" }),
        ],
      },
    }),
    from + 100_000,
  );
  expect(
    found.rows.map(({ key, bars }) => [key, bars.map(({ left, width, waits }) => [left, width, waits])]),
  ).toEqual([
    [
      "step a",
      [
        [0, 0.2, null],
        [0.5, 0.5, 0.5],
      ],
    ],
    ["step b", [[0.1, 0, null]]],
    ["compensation a", [[0.9, expect.closeTo(0.1), null]]],
  ]);
  expect(found.ticks.map(({ milliseconds }) => milliseconds)).toEqual([0, 30_000, 60_000, 90_000]);
});

test("an ended instance ends the picture, whatever time it is", () => {
  const ended = view({ status: "completed", completedAt: at(10), timeline: { complete: true, spans: [] } });
  const found = ganttOf(ended, from + 1_000_000);
  expect(found.to - found.from).toBe(10_000);
  expect(found.ticks.length).toBeLessThanOrEqual(7);
});

test("an instance that has just begun has a picture too", () => {
  expect(ganttOf(view(), from - 5000).to).toBe(from + 1000);
});

test("thousands of attempts are no problem", () => {
  const spans = Array.from({ length: 200_000 }, (_, index) => span("a", { visit: index, endedAt: START }));
  expect(ganttOf(view({ timeline: { complete: true, spans } }), from).rows[0]?.bars).toHaveLength(200_000);
});
