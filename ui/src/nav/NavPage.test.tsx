import { screen, waitFor } from "@testing-library/react";
import { Route, Routes } from "react-router-dom";
import { NavPage } from "src/nav/NavPage";
import { json } from "src/testing/answers";
import { show } from "src/testing/render";
import { expect, test, vi } from "vitest";

function open(at: string) {
  show(
    <Routes>
      <Route element={<NavPage />} path="/plugin/workflows/*" />
    </Routes>,
    at,
  );
}

test("an address that names the tasks shows them before the server has answered, and its title says so", async () => {
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  document.title = "Airflow";
  open("/plugin/workflows/tasks");
  expect(screen.getByRole("tab", { name: "My tasks", selected: true })).toBeTruthy();
  expect(screen.getByRole("button", { name: "For me" })).toBeTruthy();
  await waitFor(() => expect(document.title).toBe("My tasks · Workflows"));
});

test("each page has a title of its own, and Airflow its own again", async () => {
  vi.stubGlobal("fetch", async () => json({ items: [], next: null }));
  document.title = "Airflow";
  const { unmount } = show(
    <Routes>
      <Route element={<NavPage />} path="/plugin/workflows/*" />
    </Routes>,
    "/plugin/workflows/events",
  );
  await waitFor(() => expect(document.title).toBe("Events · Workflows"));
  unmount();
  expect(document.title).toBe("Airflow");
});
