import type { Bucket } from "src/api/schema.gen";
import { failureRate, filled, since } from "src/nav/statistics";
import { afterEach, expect, test } from "vitest";

afterEach(() => localStorage.clear());

const NOW = Date.parse("2026-05-08T10:20:00Z");

test("hours end with that of now, and days begin at midnight where the user is", () => {
  localStorage.setItem("timezone", JSON.stringify("Asia/Tokyo"));
  expect(since("24h", NOW).toISOString()).toBe("2026-05-07T11:00:00.000Z");
  expect(since("7d", NOW).toISOString()).toBe("2026-05-01T15:00:00.000Z");
});

test("parts in which nothing started are there as well", () => {
  const from = new Date("2026-05-08T08:00:00Z");
  const buckets = [{ start: "2026-05-08T09:00:00+00:00", counts: { failed: 2 }, cancelled: 1 }];
  expect(filled(buckets, from, "hour", NOW).map(({ counts }) => counts)).toEqual([
    {},
    { failed: 1, cancelled: 1 },
    {},
  ]);
});

test.each<[Bucket[], number, number | null]>([
  [[], 0, null],
  [[{ start: "", counts: { running: 3 }, cancelled: 0 }], 3, null],
  [[{ start: "", counts: { failed: 2 }, cancelled: 2 }], 2, null],
  [
    [
      { start: "", counts: { failed: 2, suspended: 1 }, cancelled: 1 },
      { start: "", counts: { completed: 3 }, cancelled: 0 },
    ],
    6,
    0.25,
  ],
])("the failure rate of %j is of those that have ended", (buckets, started, rate) => {
  expect(failureRate(buckets)).toEqual({ started, rate });
});
