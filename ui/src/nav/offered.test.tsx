import { screen } from "@testing-library/react";
import { Definitions } from "src/nav/Definitions";
import { EventsView } from "src/nav/EventsView";
import { NewWorkflow } from "src/nav/NewWorkflow";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { START } from "src/testing/samples";
import { expect, test } from "vitest";

const PAGE = { items: [], next: null };

test.each([true, false])("a new workflow is offered to those who may publish: %s", async (editable) => {
  answering(json({ ...PAGE, editable }));
  show(<Definitions />);
  await screen.findByText("No workflows yet");
  expect(screen.queryByRole("link", { name: "New workflow" }) !== null).toBe(editable);
});

test("who may not publish is told so before writing", async () => {
  answering(({ url }) =>
    json(
      url.pathname.endsWith("/validate") ? { valid: true, diagnostics: [] } : { ...PAGE, editable: false },
    ),
  );
  show(<NewWorkflow />);
  expect(await screen.findByText("You cannot publish workflows")).toBeTruthy();
});

test.each([true, false])(
  "a dead letter is delivered again by those who may start: %s",
  async (mayRedrive) => {
    const letter = { id: 1, eventId: "e", workflowId: "w", status: "dead", instanceId: null, reason: null };
    answering(
      json({ ...PAGE, items: [{ ...letter, attempts: 3, updatedAt: START, dueAt: START, mayRedrive }] }),
    );
    show(<EventsView />);
    await screen.findByTestId("delivery-1");
    expect(screen.queryByRole("button", { name: "Deliver again" }) !== null).toBe(mayRedrive);
  },
);
