import { fireEvent, screen, within } from "@testing-library/react";
import type { WaitingStep } from "src/api/schema.gen";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { START } from "src/testing/samples";
import { dataFor, typeFor } from "src/workflow/sampleEvent";
import { TestEvent } from "src/workflow/TestEvent";
import { expect, test } from "vitest";

const WAIT: WaitingStep = {
  id: "7",
  instanceId: "1",
  workflowId: "w",
  stepId: "paid",
  scope: "",
  visit: 1,
  attempt: 1,
  pattern: "payment.*",
  correlation: { "order.number": "R-10" },
  waitingSince: START,
  deadlineAt: null,
};
const NAMES = new Map([["paid", "Wait for the payment"]]);

test("a type that the pattern matches is offered", () => {
  expect(["payment.*", "**.paid", "a.b", "*"].map(typeFor)).toEqual([
    "payment.test",
    "test.paid",
    "a.b",
    "test",
  ]);
});

test("the awaited values stand at their places, without masked ones", () => {
  expect(dataFor({ "order.number": "R-10", "order.year": 2026, region: "eu" })).toEqual({
    input: { order: { number: "R-10", year: 2026 }, region: "eu" },
    masked: false,
  });
  expect(dataFor({ pin: "***" })).toEqual({ input: {}, masked: true });
});

test("the event is checked, sent once, and what became of it is said", async () => {
  const sent = answering(json({ items: [{ id: "e", source: "s", eventId: "i", created: true }] }, 202));
  show(<TestEvent allowed names={NAMES} waits={[WAIT]} />);
  fireEvent.click(screen.getByRole("button", { name: "Send test event…" }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByLabelText<HTMLInputElement>(/^Type/).value).toBe("payment.test");
  const data = dialog.getByRole("textbox", { name: "Data" });
  fireEvent.change(data, { target: { value: "{" } });
  fireEvent.change(dialog.getByLabelText(/^Type/), { target: { value: " " } });
  fireEvent.click(dialog.getByRole("button", { name: "Send" }));
  expect(dialog.getByText("Not valid JSON")).toBeTruthy();
  expect(dialog.getByText("Required")).toBeTruthy();
  expect(sent).toEqual([]);

  fireEvent.change(data, { target: { value: '{"order": {"number": "R-10"}}' } });
  fireEvent.change(dialog.getByLabelText(/^Type/), { target: { value: "payment.received" } });
  fireEvent.click(dialog.getByRole("button", { name: "Send" }));
  expect(await dialog.findByText("Event accepted")).toBeTruthy();
  expect(dialog.getByText(/^Wait for the payment continues in a few seconds/)).toBeTruthy();
  expect(dialog.queryByRole("button", { name: "Send" })).toBeNull();
  expect(sent.map(({ body }) => body)).toEqual([
    {
      specversion: "1.0",
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      source: "/workflows/test",
      type: "payment.received",
      data: { order: { number: "R-10" } },
    },
  ]);
});

test("who may not publish events is not offered it", () => {
  show(<TestEvent allowed={false} names={NAMES} waits={[WAIT]} />);
  expect(screen.queryByRole("button")).toBeNull();
});
