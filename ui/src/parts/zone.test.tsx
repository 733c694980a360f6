import { act, screen } from "@testing-library/react";
import { Time } from "src/parts/Time";
import { absolute } from "src/parts/times";
import { startOfDay, zone } from "src/parts/zone";
import { show } from "src/testing/render";
import { afterEach, expect, test } from "vitest";

function choose(name: unknown): void {
  localStorage.setItem("timezone", JSON.stringify(name));
  window.dispatchEvent(new StorageEvent("local-storage", { key: "timezone" }));
}

afterEach(() => localStorage.clear());

test("times are in the zone that was chosen in Airflow, and change with it", () => {
  choose("Asia/Tokyo");
  show(<Time at="2026-05-01T20:00:00Z" exact />);
  expect(screen.getByText(/May 2.*5:00/)).toBeTruthy();
  expect(absolute(new Date("2026-05-01T20:00:00Z"))).toContain("May 2, 2026");
  act(() => choose("America/New_York"));
  expect(screen.getByText(/May 1.*4:00/)).toBeTruthy();
});

test.each([["Mars/Base"], [5], [null]])("%j is no zone: the browser's own counts", (name) => {
  choose(name);
  expect(zone()).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone);
});

test("what cannot be read is no zone either", () => {
  localStorage.setItem("timezone", "{");
  expect(zone()).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone);
});

test.each([
  ["UTC", "2026-05-01", 0, "2026-05-01T00:00:00.000Z"],
  ["Europe/Berlin", "2026-05-01", 0, "2026-04-30T22:00:00.000Z"],
  ["Europe/Berlin", "2026-12-31", 1, "2026-12-31T23:00:00.000Z"],
  // The clock goes forward at two, and back at three.
  ["Europe/Berlin", "2026-03-29", 0, "2026-03-28T23:00:00.000Z"],
  ["Europe/Berlin", "2026-03-29", 1, "2026-03-29T22:00:00.000Z"],
  ["Europe/Berlin", "2026-10-25", 1, "2026-10-25T23:00:00.000Z"],
  ["Asia/Kolkata", "2026-05-01", 0, "2026-04-30T18:30:00.000Z"],
  ["Pacific/Kiritimati", "2026-05-01", 0, "2026-04-30T10:00:00.000Z"],
])("in %s the day %s, %d later, begins at %s", (name, day, later, start) => {
  choose(name);
  expect(startOfDay(day, later)?.toISOString()).toBe(start);
});

test.each(["", "2026", "x-y-z"])("%j is no day", (text) => {
  expect(startOfDay(text)).toBeNull();
});
