import { screen, waitFor, within } from "@testing-library/react";
import type { InstanceStatistics } from "src/api/schema.gen";
import { Overview } from "src/nav/Overview";
import { since } from "src/nav/statistics";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { START } from "src/testing/samples";
import { expect, test } from "vitest";

const FOUND: InstanceStatistics = {
  buckets: [
    { start: since("7d", Date.now()).toISOString(), counts: { completed: 3, failed: 3 }, cancelled: 2 },
  ],
  durations: { p50: 25, p95: 3600 },
  causes: [
    {
      workflowId: "trip",
      stepId: "book",
      errorType: "HttpError",
      errorCode: null,
      count: 1,
      first: START,
      last: START,
    },
  ],
  oldestWaiting: [],
  asked: [{ who: "role:approver", count: 2, oldest: START }],
};

test("it shows rate, durations, whom tasks ask, and causes that lead to their instances", async () => {
  const sent = answering(json(FOUND));
  show(<Overview />, "/?last=7d&workflowId=trip");
  const causes = await screen.findByRole("region", { name: "Top causes of failures" });
  expect(screen.getByText("25%")).toBeTruthy();
  expect(screen.getByLabelText(/: 1 failed, 2 cancelled, 3 completed$/)).toBeTruthy();
  expect(screen.getByText("25 s")).toBeTruthy();
  expect(screen.getByText("1 h")).toBeTruthy();
  const link = within(causes).getByRole("link", { name: "book: HttpError" });
  expect(link.getAttribute("href")).toBe(
    "/plugin/workflows/instances?workflowId=trip&errorStepId=book&errorType=HttpError&errorCode=&status=failed",
  );
  expect(screen.getByText("role approver")).toBeTruthy();
  expect(within(screen.getByRole("region", { name: "Waiting longest" })).getByText("None")).toBeTruthy();
  await waitFor(() => expect(sent[0]?.url.searchParams.get("unit")).toBe("day"));
  expect(sent[0]?.url.searchParams.get("workflowId")).toBe("trip");
});
