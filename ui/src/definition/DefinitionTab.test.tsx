import { fireEvent, screen, waitFor } from "@testing-library/react";
import { DefinitionTab } from "src/definition/DefinitionTab";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { expect, test } from "vitest";

const DEFINITION = {
  workflowId: "w",
  version: "1.0.0",
  revision: 1,
  document: { workflowId: "w", name: "Sample", version: "1.0.0", steps: [] },
  source: null,
};
const OVERVIEW = { workflowId: "w", active: true, counts: {}, recent: [], permissions: ["edit", "start"] };
const GRAPH = { workflowId: "w", version: "1.0.0", revision: 1, nodes: [], edges: [], groups: [] };

test("a workflow is deactivated only after a question", async () => {
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
  const sent = answering(({ url }) =>
    url.pathname.endsWith("/overviews")
      ? json({ items: [OVERVIEW] })
      : json(url.pathname.endsWith("/graph") ? GRAPH : DEFINITION),
  );
  const changes = () => sent.filter(({ method }) => method === "POST").map(({ url }) => url.pathname);
  show(<DefinitionTab dagId="w" />, "/?view=document");
  fireEvent.click(await screen.findByRole("button", { name: "Deactivate" }));
  expect(await screen.findByText("Deactivate this workflow?")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.queryByText("Deactivate this workflow?")).toBeNull());
  expect(changes()).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Deactivate" }));
  await screen.findByText("Deactivate this workflow?");
  fireEvent.click(screen.getAllByRole("button", { name: "Deactivate", hidden: true }).at(-1) as HTMLElement);
  await waitFor(() => expect(changes()).toHaveLength(1));
  expect(changes()[0]).toMatch(/\/definitions\/w\/deactivate$/);
});
