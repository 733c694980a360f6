import { act, fireEvent, render, screen } from "@testing-library/react";
import { createMemoryRouter, RouterProvider } from "react-router-dom";
import { useParameters } from "src/parts/useParameters";
import { expect, test } from "vitest";

function Page() {
  const [parameters, setParameters] = useParameters();
  const add = (name: string) => setParameters({ ...Object.fromEntries(parameters), [name]: "1" });
  return (
    <>
      <output>{parameters.toString()}</output>
      {["a", "b"].map((name) => (
        <button key={name} onClick={() => add(name)} type="button">
          {name}
        </button>
      ))}
    </>
  );
}

/** A page whose router follows when it is let. */
async function slow() {
  const waiting: (() => void)[] = [];
  const loader = () => new Promise<null>((resolve) => waiting.push(() => resolve(null)));
  const router = createMemoryRouter([{ path: "/", element: <Page />, loader }], {
    hydrationData: { loaderData: { "0": null } },
  });
  render(<RouterProvider router={router} />);
  const follow = () =>
    act(async () => {
      for (const go of waiting.splice(0)) go();
    });
  return { router, follow };
}

const shown = () => screen.getByRole("status").textContent;

test("a choice is seen at once, and the next one adds to it, however slow the router is", async () => {
  const { router, follow } = await slow();
  fireEvent.click(screen.getByText("a"));
  expect(shown()).toBe("a=1");
  expect(router.state.location.search).toBe("");
  fireEvent.click(screen.getByText("b"));
  expect(shown()).toBe("a=1&b=1");
  await follow();
  expect([shown(), router.state.location.search]).toEqual(["a=1&b=1", "?a=1&b=1"]);
});

test("where others navigate, their address counts", async () => {
  const { router, follow } = await slow();
  fireEvent.click(screen.getByText("a"));
  await follow();
  act(() => void router.navigate("/?c=1"));
  await follow();
  expect(shown()).toBe("c=1");
});
