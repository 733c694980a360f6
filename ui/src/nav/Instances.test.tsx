import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { useLocation } from "react-router-dom";
import type { BulkResult, Cause, InstanceSummary } from "src/api/schema.gen";
import { wordsOf } from "src/nav/Causes";
import { Instances } from "src/nav/Instances";
import { json, type Sent } from "src/testing/answers";
import { show } from "src/testing/render";
import { START, view } from "src/testing/samples";
import { beforeEach, expect, test, vi } from "vitest";

const CAUSE: Cause = {
  workflowId: "trip",
  stepId: "book",
  errorType: "HttpError",
  errorCode: "404",
  count: 5,
  first: START,
  last: START,
};

function item(number: number, more: Partial<InstanceSummary> = {}): InstanceSummary {
  const { components, notices, steps, path, timeline, operations, rights, progress, workflowName, ...base } =
    view();
  return {
    ...base,
    id: `00000000-0000-4000-8000-00000000000${number}`,
    correlationId: `R-${number}`,
    error: { type: "HttpError", code: "404", stepId: "book", at: START },
    startedBy: "ada",
    ...more,
  } as InstanceSummary;
}

let sent: Sent[] = [];
let bulk: (body: Record<string, unknown>) => Response;
let operable = true;

function result(id: string, outcome: BulkResult["outcome"], detail: string | null = null): BulkResult {
  return {
    instanceId: id,
    workflowId: "trip",
    correlationId: id.slice(-1),
    outcome,
    code: null,
    detail,
    findings: [],
  };
}

beforeEach(() => {
  sent = [];
  operable = true;
  const items = [item(1), item(2, { correlationId: null })];
  vi.stubGlobal("fetch", async (address: string, init: RequestInit = {}) => {
    const url = new URL(address);
    const body = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    sent.push({ url, method: init.method ?? "GET", headers: new Headers(init.headers), body });
    if (url.pathname.endsWith("/instances")) return json({ items, next: null });
    if (url.pathname.endsWith("/summary"))
      return json({
        counts: { running: 0, suspended: 0, completed: 1, failed: 1234 },
        cancelled: 34,
        causes: [CAUSE],
        operable,
      });
    if (url.pathname.endsWith("/bulk")) return bulk(body);
    return json({ items: [], next: null });
  });
});

function Address() {
  return <output>{useLocation().search}</output>;
}

function open(at = "/") {
  show(
    <>
      <Instances />
      <Address />
    </>,
    at,
  );
}

test("rows have the name that people use, and the failures their causes", async () => {
  open();
  const row = await screen.findByTestId(`instance-${item(1).id}`);
  expect(within(row).getByRole("link", { name: "R-1" })).toBeTruthy();
  expect(within(row).getByText("HttpError 404")).toBeTruthy();
  expect(
    within(screen.getByTestId(`instance-${item(2).id}`)).getByRole("link", { name: "manual__1" }),
  ).toBeTruthy();
  expect(await screen.findByText("1,235 instances")).toBeTruthy();
  expect(screen.getByRole("button", { name: /^failed ?1,200$/ })).toBeTruthy();
  expect(screen.getByRole("button", { name: /^cancelled ?34$/ })).toBeTruthy();
  fireEvent.click(await screen.findByRole("button", { name: /book: HttpError 404/ }));
  await waitFor(() =>
    expect(
      screen
        .getAllByRole("status")
        .map((each) => each.textContent)
        .join(),
    ).toContain("workflowId=trip"),
  );
  const asked = sent.at(-1)?.url.searchParams;
  expect(asked?.get("errorStepId")).toBe("book");
  expect(asked?.get("displayStatus")).toBe("failed");
  // Pressed again, it filters no more.
  fireEvent.click(await screen.findByRole("button", { name: /book: HttpError 404/, pressed: true }));
  await waitFor(() => expect(sent.at(-1)?.url.searchParams.has("errorStepId")).toBe(false));
});

test.each([
  [{ stepId: null, errorType: "WorkflowTimeout", errorCode: null }, "WorkflowTimeout"],
  [{ stepId: "book", errorType: null, errorCode: null }, "book: Error"],
])("a cause is named by what it has", (cause, words) => {
  expect(wordsOf(cause)).toBe(words);
});

test("what was looked at is done, nothing else, and each result is shown", async () => {
  const [first, second] = [item(1).id, item(2).id];
  const asked: Record<string, unknown>[] = [];
  bulk = (body) => {
    asked.push(body);
    const dry = body.dryRun === true;
    const items = dry
      ? [result(first, "would"), result(second, "refused", "It has not failed")]
      : [result(first, "done")];
    return json({ items, next: null });
  };
  open();
  fireEvent.click(await screen.findByRole("checkbox", { name: "Select R-1" }));
  await screen.findByText("1 selected");
  fireEvent.click(screen.getByRole("checkbox", { name: "Select manual__1" }));
  expect(await screen.findByText("2 selected")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Retry" }));
  fireEvent.change(await screen.findByLabelText("Reason"), { target: { value: "it is back" } });
  fireEvent.click(screen.getByRole("button", { name: "Preview" }));
  expect(await screen.findByText(/1 instance will change.*1 will stay as it is/)).toBeTruthy();
  expect(screen.getByText("It has not failed")).toBeTruthy();
  expect(asked).toEqual([
    {
      operation: "retry",
      reason: "it is back",
      version: "same",
      filter: { ids: [first, second] },
      dryRun: true,
      limit: 200,
    },
  ]);
  fireEvent.click(screen.getByRole("button", { name: "Retry: 1 instance" }));
  expect(await screen.findByText("Done: 1 of 1 instance.")).toBeTruthy();
  expect(asked[1]).toEqual({
    operation: "retry",
    reason: "it is back",
    version: "same",
    filter: { ids: [first] },
    limit: 200,
  });
});

test("all that match are looked at page by page, by the filter", async () => {
  const asked: Record<string, unknown>[] = [];
  bulk = (body) => {
    asked.push(body);
    return json(
      body.after === undefined
        ? { items: [result(item(1).id, "would")], next: "there" }
        : { items: [result(item(2).id, "would")], next: null },
    );
  };
  open("/?status=failed&errorType=HttpError&errorCode=");
  fireEvent.click(await screen.findByRole("button", { name: "Select all 1,235 that match" }));
  fireEvent.click(screen.getByRole("button", { name: "Suspend" }));
  fireEvent.click(await screen.findByRole("button", { name: "Preview" }));
  expect(await screen.findByText("2 instances will change.")).toBeTruthy();
  expect(asked.map(({ after }) => after)).toEqual([undefined, "there"]);
  expect(asked[0]?.filter).toEqual({ errorType: "HttpError", errorCode: "", displayStatus: ["failed"] });
});

test("who may operate nothing is offered nothing", async () => {
  operable = false;
  open();
  await screen.findByText("1,235 instances");
  expect(screen.queryByRole("checkbox")).toBeNull();
  expect(screen.queryByRole("button", { name: /Select/ })).toBeNull();
});
