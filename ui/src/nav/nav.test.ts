import { heights } from "src/nav/BarStrip";
import { isFiltered, queryOf, readFilter, toggled, writeFilter } from "src/nav/filter";
import { describe, expect, it } from "vitest";

describe("filter", () => {
  it("stands in the address as it is", () => {
    const address =
      "workflowId=order&status=running&status=failed&correlationId=a+b&from=2026-05-01&until=2026-05-02";
    const filter = readFilter(new URLSearchParams(address));
    expect(writeFilter(filter).toString()).toBe(address);
    expect(isFiltered(filter)).toBe(true);
  });

  it("ignores what is no status and no day", () => {
    const filter = readFilter(new URLSearchParams("status=lost&from=yesterday&until=2026-5-1"));
    expect(filter).toEqual({ workflowId: "", status: [], correlationId: "", from: "", until: "" });
    expect(isFiltered(filter)).toBe(false);
  });

  it("asks for days of the user's calendar, the last one included", () => {
    const query = queryOf(readFilter(new URLSearchParams("from=2026-05-01&until=2026-05-01")));
    expect(query.startedFrom).toBe(new Date(2026, 4, 1).toISOString());
    expect(query.startedBefore).toBe(new Date(2026, 4, 2).toISOString());
  });

  it("switches a status on and off", () => {
    expect(toggled(["failed"], "running")).toEqual(["running", "failed"]);
    expect(toggled(["running", "failed"], "running")).toEqual(["failed"]);
  });
});

describe("heights", () => {
  it("follow the duration within their bounds", () => {
    const found = heights([0, 10_000, 3_600_000]);
    expect(found[0]).toBe(6);
    expect(found[2]).toBe(28);
    expect(found[1]).toBeGreaterThan(6);
  });

  it("are in the middle where all are alike", () => {
    expect(new Set(heights([5000, 5000])).size).toBe(1);
  });
});
