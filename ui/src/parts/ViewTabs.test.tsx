import { fireEvent, screen, waitFor } from "@testing-library/react";
import { useLocation } from "react-router-dom";
import { ViewTabs } from "src/parts/ViewTabs";
import { show } from "src/testing/render";
import { expect, test } from "vitest";

const views = [
  { name: "graph", title: "Graph", content: "the graph" },
  { name: "log", title: "Log", content: "the log" },
];

function Page() {
  return (
    <>
      <ViewTabs views={views} />
      <output>{useLocation().search}</output>
    </>
  );
}

test.each([
  ["/", "the graph"],
  ["/?view=log", "the log"],
  ["/?view=nonsense", "the graph"],
])("%s shows %s and nothing else", (address, shown) => {
  show(<Page />, address);
  expect(screen.getByRole("tabpanel").textContent).toBe(shown);
});

test("the address names the chosen view, and not the first", async () => {
  show(<Page />);
  fireEvent.click(screen.getByRole("tab", { name: "Log" }));
  expect((await screen.findByText("?view=log")).tagName).toBe("OUTPUT");
  fireEvent.click(screen.getByRole("tab", { name: "Graph" }));
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe(""));
});
