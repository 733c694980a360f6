import { fireEvent, screen, waitFor } from "@testing-library/react";
import { WorkflowPicker } from "src/nav/WorkflowPicker";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { expect, test } from "vitest";

const page = { items: [{ workflowId: "order-1999", name: "Order" }], next: "more" };

test("what is typed is looked for on the server, and a suggestion that is taken counts at once", async () => {
  const sent = answering(json(page));
  const chosen: string[] = [];
  show(<WorkflowPicker onChange={(each) => chosen.push(each)} value="" />);
  const field = screen.getByLabelText("Workflow");
  fireEvent.focus(field);
  fireEvent.change(field, { target: { value: "1999" } });
  await waitFor(() => expect(sent.at(-1)?.url.searchParams.get("search")).toBe("1999"));
  await waitFor(() => expect(document.querySelector("option")?.getAttribute("value")).toBe("order-1999"));
  expect(chosen).toEqual([]);
  fireEvent.change(field, { target: { value: "order-1999" } });
  expect(chosen).toEqual(["order-1999"]);
});

test("a whole id counts with Enter, and an empty field means all", () => {
  answering(json(page));
  const chosen: string[] = [];
  show(<WorkflowPicker onChange={(each) => chosen.push(each)} value="old" />);
  const field = screen.getByLabelText("Workflow");
  fireEvent.focus(field);
  fireEvent.change(field, { target: { value: "payment" } });
  fireEvent.keyDown(field, { key: "Enter" });
  fireEvent.focus(field);
  fireEvent.change(field, { target: { value: "" } });
  expect(chosen).toEqual(["payment", ""]);
});
