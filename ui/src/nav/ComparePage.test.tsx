import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { ComparePage } from "src/nav/ComparePage";
import { json } from "src/testing/answers";
import { show } from "src/testing/render";
import { graph, node, step, view } from "src/testing/samples";
import { beforeEach, expect, test, vi } from "vitest";

const FIRST = view({
  id: "1",
  correlationId: "R-1",
  status: "completed",
  displayStatus: "completed",
  completedAt: "2026-01-01T10:00:20Z",
  steps: [
    step("check", { status: "completed", next: "pay" }),
    step("pay", { status: "completed", next: "end" }),
  ],
});
const SECOND = view({
  id: "2",
  correlationId: "R-2",
  status: "failed",
  displayStatus: "failed",
  completedAt: "2026-01-01T10:00:20Z",
  steps: [step("check", { status: "completed", next: "refuse" })],
});
const DOCUMENTS = {
  "1": { input: { amount: 5, pin: "***" }, output: { paid: true }, error: null },
  "2": { input: { amount: 5000, pin: "***" }, output: null, error: { type: "Refused", message: "too much" } },
};

beforeEach(() => {
  vi.stubGlobal("fetch", async (address: string) => {
    const { pathname } = new URL(address);
    const [, id = "", more] = /\/instances\/(\w+)(\/view)?$/.exec(pathname) ?? [];
    const found = { "1": FIRST, "2": SECOND }[id];
    if (pathname.endsWith("/graph"))
      return json(
        graph([node("check", { name: "Check" }), node("pay", { name: "Pay out" }), node("refuse")], []),
      );
    if (pathname.endsWith("/instances")) return json({ items: [FIRST, SECOND], next: null });
    if (found === undefined) return json({ detail: "There is no such instance" }, 404);
    return json(more ? found : { ...found, ...DOCUMENTS[id as "1" | "2"] });
  });
});

const texts = (of: HTMLElement, role: string) =>
  within(of)
    .getAllByRole(role)
    .map((each) => each.textContent);

test("two instances stand side by side, with what differs marked", async () => {
  show(<ComparePage name="1" other="2" />);
  const input = await screen.findByRole("table", { name: "Input" });
  expect(texts(input, "columnheader")).toEqual(["Input", "R-1", "R-2"]);
  expect(texts(input, "rowheader")).toEqual(["amountdifferent", "pinmasked, not compared"]);
  const path = screen.getByRole("table", { name: "Path" });
  expect(texts(path, "rowheader")).toEqual(["Checkdifferent", "Pay outdifferent"]);
  expect(within(path).getByText("Not reached")).toBeTruthy();
  expect(screen.getByText("The paths part at Check: Pay out, refuse")).toBeTruthy();
  expect(texts(screen.getByRole("table", { name: "Error" }), "rowheader")).toEqual(["Errordifferent"]);

  const outcome = screen.getByRole("table", { name: "Outcome" });
  expect(texts(outcome, "rowheader")).toEqual([
    "Statusdifferent",
    "Workflow",
    "Duration",
    "Started by",
    "Started",
  ]);
  fireEvent.click(screen.getByRole("checkbox", { name: "Only differences" }));
  await waitFor(() => expect(texts(outcome, "rowheader")).toEqual(["Statusdifferent"]));
});

test("an instance that is compared with itself has no differences", async () => {
  show(<ComparePage name="1" other="1" />);
  await screen.findByRole("table", { name: "Input" });
  expect(screen.queryByText(/different/)).toBeNull();
});

test("without a second instance, the others of the workflow are offered", async () => {
  show(<ComparePage name="1" other="" />);
  expect(await screen.findByRole("heading", { name: "Compare R-1 with" })).toBeTruthy();
  const link = await screen.findByRole("link", { name: "R-2" });
  expect(link.getAttribute("href")).toBe("/plugin/workflows/compare/1/2");
  expect(screen.queryByRole("link", { name: "R-1" })).toBeNull();
});

test("one that is not there is reported", async () => {
  show(<ComparePage name="1" other="9" />);
  expect(await screen.findByText("Not found")).toBeTruthy();
});
