import { apiUrl } from "src/api/client";
import { heights } from "src/nav/BarStrip";
import { bodyOfFilter, isFiltered, queryOf, readFilter, toggled, writeFilter } from "src/nav/filter";
import { describe, expect, it } from "vitest";

const NOW = Date.parse("2026-05-08T10:00:00Z");
const read = (address: string) => readFilter(new URLSearchParams(address));

describe("filter", () => {
  it.each([
    "workflowId=order&search=R-17&stepId=book&version=1.2.0&startedBy=ada&input=%24.vip&status=running&status=failed&last=24h&order=oldest",
    "correlationId=a+b&errorStepId=&errorType=HttpError&errorCode=&from=2026-05-01T08%3A30&until=2026-05-02T00%3A00",
  ])("stands in the address as it is: %s", (address) => {
    expect([...writeFilter(read(address))].sort()).toEqual([...new URLSearchParams(address)].sort());
    expect(isFiltered(read(address))).toBe(true);
  });

  it("ignores what is no status, no time and no order", () => {
    const filter = read("status=lost&from=yesterday&until=2026-5-1&last=constructor&order=up");
    expect(filter).toEqual(read(""));
    expect(isFiltered(filter)).toBe(false);
  });

  it("asks for days of the user's calendar, the last one included", () => {
    const query = queryOf(read("from=2026-05-01&until=2026-05-01"), NOW);
    expect(query.startedFrom).toBe(new Date(2026, 4, 1).toISOString());
    expect(query.startedBefore).toBe(new Date(2026, 4, 2).toISOString());
  });

  it("asks for the last hours, and for times between", () => {
    expect(queryOf(read("last=1h"), NOW).startedFrom).toBe("2026-05-08T09:00:00.000Z");
    expect(queryOf(read("from=2026-05-01T08:30"), NOW).startedFrom).toBe(
      new Date(2026, 4, 1, 8, 30).toISOString(),
    );
  });

  it("tells an error without a code from any error", () => {
    const address = apiUrl("/instances", queryOf(read("errorType=HttpError&errorCode="), NOW));
    const asked = new URL(address).searchParams;
    expect([asked.get("errorType"), asked.get("errorCode"), asked.get("errorStepId")]).toEqual([
      "HttpError",
      "",
      null,
    ]);
    expect(bodyOfFilter(read("errorType=HttpError&errorCode=&status=failed"), NOW)).toEqual({
      errorType: "HttpError",
      errorCode: "",
      displayStatus: ["failed"],
    });
  });

  it("tells cancelled from failed, and takes all that wait for suspended", () => {
    expect(queryOf(read("status=cancelled&status=suspended"), NOW).displayStatus).toEqual([
      "suspended",
      "waiting",
      "queued",
      "cancelled",
    ]);
  });

  it("sends conditions on the input of a workflow only", () => {
    expect(queryOf(read("workflowId=w&input=$.a == 1 %26%26 $.b"), NOW).input).toEqual(["$.a == 1", "$.b"]);
    expect(queryOf(read("input=$.a"), NOW).input).toBeUndefined();
    expect(bodyOfFilter(read(""), NOW)).toEqual({});
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
