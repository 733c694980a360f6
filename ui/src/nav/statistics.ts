// Numbers of instances over time.

import type { Bucket } from "src/api/schema.gen";
import { startOfDay, zone } from "src/parts/zone";

/** How far back, and in what parts. */
export const PERIODS = {
  "24h": { unit: "hour", parts: 24 },
  "7d": { unit: "day", parts: 7 },
  "30d": { unit: "day", parts: 30 },
} as const;
export type Period = keyof typeof PERIODS;
export type Unit = (typeof PERIODS)[Period]["unit"];

/** How instances are told apart in numbers, in this order: cancelled ones are stored as failed. */
export const SHOWN = ["failed", "cancelled", "suspended", "running", "completed"] as const;
export type Shown = (typeof SHOWN)[number];
export type Counts = Partial<Record<string, number>>;

/** Numbers by how instances are shown. */
export function shownCounts(of: { counts: Counts; cancelled: number | null }): Counts {
  const cancelled = of.cancelled ?? 0;
  return { ...of.counts, failed: (of.counts.failed ?? 0) - cancelled, cancelled };
}

const HOUR = 3_600_000;
export const SIZES: Record<Unit, number> = { hour: HOUR, day: 24 * HOUR };

/** When the first part begins, so that the last one has now: days begin at midnight in the chosen time zone. */
export function since(period: Period, now: number): Date {
  const { unit, parts } = PERIODS[period];
  if (unit === "hour") return new Date(Math.floor(now / HOUR) * HOUR - (parts - 1) * HOUR);
  // In Sweden dates are written as fields for dates have them.
  const today = new Intl.DateTimeFormat("sv-SE", { timeZone: zone() }).format(now);
  return startOfDay(today, 1 - parts) ?? new Date(now - parts * SIZES.day);
}

/** Each part from the first to that of now, also those in which nothing started. */
export function filled(
  buckets: readonly Bucket[],
  from: Date,
  unit: Unit,
  now: number,
): { start: Date; counts: Counts }[] {
  const known = new Map(buckets.map((each) => [Date.parse(each.start), shownCounts(each)]));
  const parts = [];
  for (let at = from.getTime(); at <= now; at += SIZES[unit])
    parts.push({ start: new Date(at), counts: known.get(at) ?? {} });
  return parts;
}

/** How many started, and which part of those that came to their end has failed; null where none has. */
export function failureRate(buckets: readonly Bucket[]): { started: number; rate: number | null } {
  const sum = (name: Shown) => buckets.reduce((total, each) => total + (shownCounts(each)[name] ?? 0), 0);
  // Whoever cancels an instance decides that it has no end of its own.
  const ended = sum("completed") + sum("failed");
  return {
    started: SHOWN.reduce((total, name) => total + sum(name), 0),
    rate: ended === 0 ? null : sum("failed") / ended,
  };
}
