import { ago, duration } from "src/parts/times";
import { describe, expect, it } from "vitest";

const NOW = new Date("2026-05-01T12:00:00Z");

describe("ago", () => {
  it.each([
    ["2026-05-01T11:57:00Z", "3 minutes ago"],
    ["2026-05-01T12:00:00Z", "now"],
    ["2026-04-30T11:00:00Z", "yesterday"],
    ["2026-05-01T14:00:00Z", "in 2 hours"],
  ])("says how far %s is", (at, words) => {
    expect(ago(new Date(at), NOW)).toBe(words);
  });
});

describe("duration", () => {
  it.each([
    [0, "0.0 s"],
    [1234, "1.2 s"],
    [59_600, "1 min"],
    [61_000, "1 min 1 s"],
    [7_500_000, "2 h 5 min"],
    [90_000_000, "1 d 1 h"],
  ])("writes %d ms", (milliseconds, words) => {
    expect(duration(milliseconds)).toBe(words);
  });
});
