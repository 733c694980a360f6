import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { StartView } from "src/nav/StartView";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { afterEach, describe, expect, it, vi } from "vitest";

const V2 = { workflowId: "order", version: "2.0.0", revision: 7, document: { name: "Order" } };
const V3 = { ...V2, version: "3.0.0", revision: 8 };
const NOT_LOADED = json(
  { code: "workflow-not-loaded", detail: "Airflow has not loaded version 2.0.0 yet" },
  409,
  { "Retry-After": "5" },
);
const CHANGED = json({ code: "version-changed", detail: "Version 3.0.0 would run, not version 2.0.0" }, 412);
const STARTED = json({ id: "i", workflowId: "order", dagId: "order", runId: "r" }, 201);

async function press(name: string): Promise<void> {
  fireEvent.click(await screen.findByRole("button", { name }));
}

afterEach(() => vi.useRealTimers());

describe("StartView", () => {
  it("says which version will run, and has only that one started", async () => {
    const sent = answering(json(V2), STARTED);
    show(<StartView name="order" />);
    await screen.findByText(/version 2\.0\.0 will run/);
    await press("Start");
    await waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]?.headers.get("If-Version")).toBe("2.0.0");
  });

  it("shows that Airflow is loading the version, and starts it then, once", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const sent = answering(json(V2), NOT_LOADED, NOT_LOADED, STARTED);
    show(<StartView name="order" />);
    await press("Start");
    await screen.findByText("Airflow is still loading version 2.0.0");
    await act(() => vi.advanceTimersByTimeAsync(11_000));
    await waitFor(() => expect(sent).toHaveLength(4));
    expect(new Set(sent.slice(1).map((each) => each.headers.get("Idempotency-Key"))).size).toBe(1);
    await waitFor(() => expect(screen.queryByText(/still loading/)).toBeNull());
  });

  it("stops waiting where it is told to", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const sent = answering(json(V2), NOT_LOADED);
    show(<StartView name="order" />);
    await press("Start");
    await press("Stop waiting");
    await waitFor(() => expect(screen.queryByText(/still loading/)).toBeNull());
    await act(() => vi.advanceTimersByTimeAsync(60_000));
    expect(sent).toHaveLength(2);
  });

  it("shows a version that was published meanwhile before it is started", async () => {
    const sent = answering(json(V2), CHANGED, json(V3), STARTED);
    show(<StartView name="order" />);
    await press("Start");
    await screen.findByText("Another version was published");
    await press("Show the new version");
    await screen.findByText(/version 3\.0\.0 will run/);
    await press("Start");
    await waitFor(() => expect(sent[3]?.headers.get("If-Version")).toBe("3.0.0"));
  });
});
