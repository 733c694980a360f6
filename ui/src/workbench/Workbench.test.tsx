import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import type { Editor } from "src/editor/types";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { Workbench } from "src/workbench/Workbench";
import { beforeEach, expect, test, vi } from "vitest";

const TEXT = JSON.stringify({
  workflowId: "w",
  steps: [
    { stepId: "first", taskId: "noop" },
    { stepId: "second", taskId: "noop" },
  ],
});
const editor: Editor = {
  setText: vi.fn(),
  setMarks: vi.fn(),
  change: vi.fn(),
  setTasks: vi.fn(),
  undo: vi.fn(),
  redo: vi.fn(),
  show: vi.fn(),
  goTo: vi.fn(),
  destroy: vi.fn(),
};
let type: (text: string) => void;
let move: (cursor: number) => void;

function Page() {
  const [text, setText] = useState(TEXT);
  const [cursor, setCursor] = useState(0);
  [type, move] = [setText, setCursor];
  return <Workbench cursor={cursor} editor={editor} findings={<p>No findings</p>} text={text} />;
}

const step = (name: string) => screen.getByRole("button", { name: new RegExp(`Step ${name}`) });

beforeEach(() => {
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
  vi.clearAllMocks();
  answering(json({ items: [] }));
});

test("the step at the cursor is marked in the graph, and a step of the graph is shown in the text", async () => {
  show(<Page />);
  await screen.findByText("second");
  expect(step("first").getAttribute("aria-pressed")).toBe("false");
  act(() => move(TEXT.indexOf("second")));
  expect(step("second").getAttribute("aria-pressed")).toBe("true");
  fireEvent.click(step("first"));
  expect(editor.show).toHaveBeenCalledWith(TEXT.indexOf('{"stepId":"first"'));
});

test("the graph follows the text, and keeps what it showed while that is no JSON", async () => {
  show(<Page />);
  await screen.findByText("second");
  act(() => type(TEXT.replace("second", "other")));
  expect(await screen.findByText("other")).toBeTruthy();
  act(() => type(TEXT.replace("second", "broken").slice(0, -3)));
  expect(await screen.findByText(/not JSON at the moment/)).toBeTruthy();
  expect(screen.getByText("other")).toBeTruthy();
  expect(screen.queryByText("broken")).toBeNull();
});

test("the documentation is that of the place of the cursor", async () => {
  show(<Page />);
  act(() => move(TEXT.indexOf("taskId") + 2));
  fireEvent.click(await screen.findByRole("tab", { name: "Documentation" }));
  expect(await screen.findByText("steps.0.taskId")).toBeTruthy();
});

test("what was done in the graph or the text is undone in one place", async () => {
  show(<Page />);
  fireEvent.click(await screen.findByRole("button", { name: "Undo" }));
  fireEvent.click(screen.getByRole("button", { name: "Redo" }));
  expect([editor.undo, editor.redo].map((each) => vi.mocked(each).mock.calls.length)).toEqual([1, 1]);
});

/** What the workbench made of the text. */
function edited(): string {
  const [changes] = vi.mocked(editor.change).mock.lastCall ?? [[]];
  return changes.reduceRight(
    (text, { from, to, insert }) => text.slice(0, from) + insert + text.slice(to),
    TEXT,
  );
}

const steps = () => JSON.parse(edited()).steps;

async function openStep(stepId: string) {
  show(<Page />);
  await screen.findByText("second");
  act(() => move(TEXT.indexOf(`"${stepId}"`)));
  fireEvent.click(screen.getByRole("tab", { name: "Step" }));
  await screen.findByRole("button", { name: "Duplicate" });
}

test("a step is added, copied and taken away beside the text", async () => {
  await openStep("first");
  fireEvent.click(screen.getByRole("button", { name: "Add a step after it" }));
  expect(steps().map((each: { stepId: string }) => each.stepId)).toEqual(["first", "step", "second"]);
  fireEvent.click(screen.getByRole("button", { name: "Duplicate" }));
  expect(steps().map((each: { stepId: string }) => each.stepId)).toEqual(["first", "first2", "second"]);
  fireEvent.click(screen.getByRole("button", { name: "Delete" }));
  expect(steps().map((each: { stepId: string }) => each.stepId)).toEqual(["second"]);
});

test("a step is led elsewhere", async () => {
  await openStep("first");
  const field = screen.getByLabelText("Next step");
  expect([...field.querySelectorAll("option")].map((each) => each.value)).toEqual([
    "first",
    "second",
    "end",
    "fail",
  ]);
  fireEvent.change(field, { target: { value: "end" } });
  expect(steps()[0].next).toEqual([{ nextStepId: "end" }]);
});

test("the form of a step is made from its task, and changes only what was filled in", async () => {
  const argumentsSchema = { type: "object", properties: { url: { type: "string", title: "Address" } } };
  answering(
    json({ items: [{ taskId: "noop", name: "n", operator: "noop", source: "built-in", argumentsSchema }] }),
  );
  await openStep("second");
  const apply = screen.getByRole("button", { name: "Apply" }) as HTMLButtonElement;
  expect(apply.disabled).toBe(true);
  fireEvent.change(await screen.findByLabelText("Address"), { target: { value: "https://example.com" } });
  fireEvent.change(screen.getByLabelText("stepId"), { target: { value: "called" } });
  fireEvent.click(apply);
  expect(edited()).toContain('{"stepId":"first","taskId":"noop"}');
  expect(steps()[1]).toEqual({ stepId: "called", taskId: "noop", arguments: { url: "https://example.com" } });
  fireEvent.change(screen.getByLabelText("stepId"), { target: { value: "first" } });
  expect(screen.getByText("Another step has this ID")).toBeTruthy();
  expect(apply.disabled).toBe(true);
});

test("the text is tried in memory, and the graph shows the path until something is changed", async () => {
  const state = {
    steps: { first: { status: "completed", output: { seen: 1 } }, second: { status: "failed" } },
  };
  const path = ["first", "second"].map((stepId) => ({ stepId, status: "completed" }));
  const result = {
    status: "failed",
    output: null,
    error: null,
    path,
    state,
    warnings: ["no mock"],
    diagnostics: [],
  };
  const sent = answering(({ url }) => json(url.pathname.endsWith("/simulate") ? result : { items: [] }));
  await openStep("first");
  fireEvent.click(screen.getByRole("tab", { name: "Try" }));
  fireEvent.click(await screen.findByRole("button", { name: "Add an outcome of first" }));
  fireEvent.click(screen.getByRole("button", { name: "Run" }));
  expect(await screen.findByText("no mock")).toBeTruthy();
  const { body } = sent.find(({ method }) => method === "POST") ?? {};
  expect(body).toMatchObject({ definition: JSON.parse(TEXT), mocks: { first: [{ output: {} }] } });
  expect(step("second").dataset.status).toBe("failed");
  expect(screen.getByText(/seen/)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Next step of the path" }));
  expect(editor.show).toHaveBeenLastCalledWith(TEXT.indexOf('{"stepId":"second"'));
  act(() => type(TEXT.replace("noop", "set")));
  await waitFor(() => expect(step("second").dataset.status).toBe(""));
});
