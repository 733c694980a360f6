import { fireEvent, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { SavedViews } from "src/nav/SavedViews";
import { readViews, useSavedViews, viewOf } from "src/nav/savedViews";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { beforeEach, expect, test } from "vitest";

beforeEach(() => {
  localStorage.clear();
  answering(json({ id: "ada", name: "Ada", roles: [], groups: [] }));
});

function Page({ start }: { start: string }) {
  const [address, setAddress] = useState(start);
  return (
    <>
      <SavedViews address={address} filtered={address !== ""} onChoose={setAddress} />
      <output>{address}</output>
      <button onClick={() => setAddress("status=running")} type="button">
        elsewhere
      </button>
    </>
  );
}

function press(name: string): void {
  fireEvent.click(screen.getByRole("button", { name }));
}

function type(name: string): void {
  fireEvent.change(screen.getByRole("textbox", { name: "Name of the view" }), { target: { value: name } });
}

test("a filter is saved, chosen again, renamed and deleted", async () => {
  show(<Page start="status=failed&workflowId=pay" />);
  fireEvent.click(await screen.findByRole("button", { name: "Save as view…" }));
  type("  Failed payments ");
  press("Save");
  const select = screen.getByRole<HTMLSelectElement>("combobox", { name: "Saved views" });
  expect(select.value).toBe("Failed payments");

  press("elsewhere");
  expect(select.value).toBe("");
  fireEvent.change(select, { target: { value: "Failed payments" } });
  expect(screen.getByText("status=failed&workflowId=pay").tagName).toBe("OUTPUT");

  press("Rename…");
  type("Payments");
  press("Rename");
  expect(readViews("ada")).toEqual([{ name: "Payments", address: "status=failed&workflowId=pay" }]);
  press("Delete view");
  expect(readViews("ada")).toEqual([]);
  await waitFor(() => expect(screen.queryByRole("combobox")).toBeNull());
});

test("a name that is taken is replaced only by who is told so", async () => {
  localStorage.setItem("workflows-views:ada", JSON.stringify([{ name: "Mine", address: "status=failed" }]));
  show(<Page start="status=running" />);
  fireEvent.click(await screen.findByRole("button", { name: "Save as view…" }));
  type("Mine");
  expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
  press("Replace");
  expect(readViews("ada")).toEqual([{ name: "Mine", address: "status=running" }]);
});

test("each user has their own, and what cannot be read is left out", async () => {
  localStorage.setItem("workflows-views:eve", JSON.stringify([{ name: "Eve's", address: "status=failed" }]));
  localStorage.setItem(
    "workflows-views:ada",
    JSON.stringify([{ name: 1 }, null, { name: "Ok", address: "a=1" }]),
  );
  show(<Page start="" />);
  await screen.findByRole("combobox", { name: "Saved views" });
  expect(screen.getAllByRole("option").map(({ textContent }) => textContent)).toEqual(["Saved views", "Ok"]);
  localStorage.setItem("workflows-views:ada", "{");
  expect(readViews("ada")).toEqual([]);
});

test("the order of an address does not matter", () => {
  const views = [{ name: "A", address: "a=1&b=2" }];
  expect(viewOf(views, "b=2&a=1")?.name).toBe("A");
  expect(viewOf(views, "b=2")).toBeNull();
});

test("a view that another tab saves is there", async () => {
  function List() {
    return <output>{useSavedViews("ada")[0].map(({ name }) => name)}</output>;
  }
  show(<List />);
  localStorage.setItem("workflows-views:ada", JSON.stringify([{ name: "New", address: "" }]));
  window.dispatchEvent(new Event("storage"));
  expect((await screen.findByText("New")).tagName).toBe("OUTPUT");
});
