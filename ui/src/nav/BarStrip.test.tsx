import { screen } from "@testing-library/react";
import type { RecentInstance } from "src/api/schema.gen";
import { BarStrip } from "src/nav/BarStrip";
import { show } from "src/testing/render";
import { START } from "src/testing/samples";
import { expect, test } from "vitest";

test("each bar can be hit: it is a target of 24 pixels", () => {
  const item = {
    id: "i",
    dagId: "w",
    runId: "r",
    status: "failed",
    displayStatus: "cancelled",
    startedAt: START,
    completedAt: START,
  };
  show(<BarStrip items={[item as unknown as RecentInstance]} />);
  const style = getComputedStyle(screen.getByRole("link", { name: /^cancelled, Jan 1, 2026/ }));
  expect(Number.parseInt(style.width, 10)).toBeGreaterThanOrEqual(24);
  expect(Number.parseInt(style.height, 10)).toBeGreaterThanOrEqual(24);
});

test("a workflow that never ran says so", () => {
  show(<BarStrip items={[]} />);
  expect(screen.getByText("No runs yet")).toBeTruthy();
});
