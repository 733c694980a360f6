import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { answering, json, type Sent } from "src/testing/answers";
import { show } from "src/testing/render";
import { step, view } from "src/testing/samples";
import { Actions } from "src/workflow/Actions";
import { beforeEach, expect, test, vi } from "vitest";

const FAILED = view({
  status: "failed",
  operations: ["restart", "skip"],
  error: { type: "HttpError", message: "503", stepId: "pay" },
  steps: [step("pay", { status: "failed" }), step("open", { status: "completed" })],
});
const NAMES = new Map([
  ["open", "Open"],
  ["pay", "Pay"],
]);
const DETAIL = {
  stepId: "pay",
  outputTransform: "{receipt: output.id}",
  outputSchema: {
    type: "object",
    required: ["id"],
    properties: { id: { type: "string", title: "Receipt" } },
  },
};
const DEFINITION = {
  workflowId: "w",
  version: "1.2.0",
  document: {
    inputSchema: {
      type: "object",
      required: ["amount"],
      properties: { amount: { type: "number", title: "Amount" }, token: { type: "string", title: "Token" } },
    },
  },
};

let sent: Sent[] = [];
const sentTo = (end: string) =>
  sent.filter(({ url, method }) => method === "POST" && url.pathname.endsWith(end));

beforeEach(() => {
  vi.stubGlobal("location", { ...window.location, reload: () => undefined });
  sent = answering(({ url }) => {
    if (url.pathname.endsWith("/steps/pay")) return json(DETAIL);
    if (url.pathname.includes("/definitions/")) return json(DEFINITION);
    if (url.pathname.endsWith("/skip/preview"))
      return json({ stepId: "pay", output: { receipt: null }, next: "close" });
    return json({ ...FAILED, input: { amount: 5, token: "***", more: { list: ["***", 1] } } });
  });
});

async function open(name: string): Promise<ReturnType<typeof within>> {
  show(<Actions host="run" names={NAMES} onChanged={() => undefined} view={FAILED} />);
  fireEvent.click(screen.getByRole("button", { name }));
  return within(await screen.findByRole("dialog"));
}

test("a skip asks for the task's result in a form, says what the step makes of it, and shows it first", async () => {
  const dialog = await open("Skip failed step");
  expect(await dialog.findByText("{receipt: output.id}")).toBeTruthy();
  expect(dialog.getByText(/Enter the raw result of the task, not the output of the step/)).toBeTruthy();
  const preview = dialog.getByRole("button", { name: "Preview" }) as HTMLButtonElement;
  await waitFor(() => expect(preview.disabled).toBe(true));
  fireEvent.click(dialog.getByRole("button", { name: "Skip failed step" }));
  expect(dialog.getByText("Required")).toBeTruthy();
  fireEvent.change(dialog.getByLabelText(/Receipt/), { target: { value: "R-7" } });
  fireEvent.click(dialog.getByRole("button", { name: "Preview" }));
  expect(await dialog.findByText(/A value of the output is null/)).toBeTruthy();
  expect(dialog.getByText("Next: close")).toBeTruthy();
  expect(sentTo("/skip/preview")[0]?.body).toEqual({ stepId: "pay", output: { id: "R-7" } });
  expect(sentTo("/skip")).toHaveLength(0);
  // What is entered afterwards has not been looked at.
  fireEvent.change(dialog.getByLabelText(/Receipt/), { target: { value: "R-8" } });
  expect(dialog.queryByText("Next: close")).toBeNull();
  fireEvent.click(dialog.getByRole("button", { name: "Skip failed step" }));
  await waitFor(() => expect(sentTo("/skip")[0]?.body).toEqual({ stepId: "pay", output: { id: "R-8" } }));
});

test("a restart reuses the input, or asks for another one in the workflow's form", async () => {
  const dialog = await open("Restart");
  expect(await dialog.findByText("Latest (1.2.0)")).toBeTruthy();
  const same = dialog.getByLabelText("Reuse the original input") as HTMLInputElement;
  await waitFor(() => expect(same.disabled).toBe(false));
  expect(dialog.queryByLabelText(/Amount/)).toBeNull();
  fireEvent.click(same);
  const amount = (await dialog.findByLabelText(/Amount/)) as HTMLInputElement;
  expect(amount.value).toBe("5");
  // A mask is not a value.
  expect((dialog.getByLabelText("Token") as HTMLInputElement).value).toBe("");
  expect(dialog.getByText("Masked values are empty here. Enter them again.")).toBeTruthy();
  fireEvent.change(amount, { target: { value: "six" } });
  fireEvent.click(dialog.getByRole("button", { name: "Restart" }));
  expect(dialog.getByText("Enter a number, for example 1500.50")).toBeTruthy();
  expect(sentTo("/restart")).toHaveLength(0);
  fireEvent.change(amount, { target: { value: "6" } });
  fireEvent.click(dialog.getByRole("button", { name: "Restart" }));
  await waitFor(() =>
    expect(sentTo("/restart")[0]?.body).toEqual({
      version: "same",
      input: { amount: 6, more: { list: [1] } },
    }),
  );
});
