import { fireEvent, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { numberOf, SchemaForm } from "src/forms/SchemaForm";
import { type FieldErrors, initial, type Schema, Unreadable } from "src/forms/schema";
import { show } from "src/testing/render";
import { describe, expect, it } from "vitest";

let current: unknown;

function Form({ schema, errors = {} }: { schema: Schema; errors?: FieldErrors }) {
  const [value, setValue] = useState<unknown>(() => initial(schema, schema) ?? {});
  current = value;
  return <SchemaForm errors={errors} onChange={setValue} schema={schema} value={value} />;
}

function type(label: string | RegExp, text: string): void {
  fireEvent.change(screen.getByLabelText(label), { target: { value: text } });
}

describe("SchemaForm", () => {
  it("gives values of the right kind, and leaves out what is empty", async () => {
    show(
      <Form
        schema={{
          type: "object",
          required: ["amount"],
          properties: {
            amount: { type: "number", title: "Amount" },
            note: { type: "string" },
            urgent: { type: "boolean", title: "Urgent" },
            color: { enum: ["red", 7], title: "Colour" },
          },
        }}
      />,
    );
    type(/Amount/, "12.5");
    type("note", "x");
    type("note", "");
    fireEvent.click(screen.getByLabelText("Urgent"));
    await waitFor(() => expect(current).toMatchObject({ urgent: true }));
    type("Colour", "1");
    expect(current).toEqual({ amount: 12.5, urgent: true, color: 7 });
  });

  it("keeps what is typed on the way to a number", () => {
    show(<Form schema={{ type: "object", properties: { n: { type: "number" } } }} />);
    type("n", "1.");
    expect((screen.getByLabelText("n") as HTMLInputElement).value).toBe("1.");
    expect(current).toEqual({ n: 1 });
  });

  it("adds and removes items", () => {
    const items = { type: "object", properties: { sku: { type: "string" } } };
    show(
      <Form schema={{ type: "object", properties: { lines: { type: "array", title: "Lines", items } } }} />,
    );
    fireEvent.click(screen.getByText("Add"));
    type("sku", "A-1");
    expect(current).toEqual({ lines: [{ sku: "A-1" }] });
    fireEvent.click(screen.getByLabelText("Remove Lines 1"));
    expect(current).toEqual({ lines: [] });
    fireEvent.click(screen.getByText("Leave out"));
    expect(current).toEqual({});
  });

  it("lets what no form fits be written as JSON, and says when it is none", () => {
    show(<Form schema={{ type: "object", properties: { any: {} } }} />);
    type("any", '{"a": [1]}');
    expect(current).toEqual({ any: { a: [1] } });
    type("any", "{");
    expect(screen.getByText("Not valid JSON")).toBeTruthy();
    // Not the value before it, which would be sent although something else is shown.
    expect(current).toEqual({ any: new Unreadable("{") });
  });

  it("shows errors at their field, for those who see and those who listen", () => {
    const schema = { type: "object", properties: { amount: { type: "number" } } };
    show(<Form errors={{ "/amount": ["0 is less than the minimum of 1"] }} schema={schema} />);
    const field = screen.getByLabelText("amount");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    const about = document.getElementById(field.getAttribute("aria-describedby") ?? "");
    expect(about?.textContent).toContain("less than the minimum");
  });

  it("shows what authors wrote as text", () => {
    const evil = "<img src=x onerror=alert(1)>";
    const properties = { [evil]: { type: "string", title: evil, description: evil, default: evil } };
    const { container } = show(<Form schema={{ type: "object", properties }} />);
    expect(container.querySelector("img")).toBeNull();
    expect(container.textContent).toContain(evil);
  });
});

describe("numberOf", () => {
  it.each([
    ["", undefined],
    ["12", 12],
    ["-0.5", -0.5],
    ["1e3", 1000],
    ["12 EUR", "12 EUR"],
    ["Infinity", "Infinity"],
  ])("reads %j", (typed, value) => {
    expect(numberOf(typed)).toBe(value);
  });
});

it("a number field says what is wrong when it is left, before the form is sent", () => {
  const schema = { type: "object", properties: { n: { type: "integer", title: "Count", maximum: 9 } } };
  show(<Form schema={schema} />);
  const field = screen.getByLabelText("Count");
  fireEvent.change(field, { target: { value: "ten" } });
  expect(screen.queryByText("Enter a whole number")).toBeNull();
  fireEvent.blur(field);
  expect(screen.getByText("Enter a whole number")).toBeTruthy();
  fireEvent.change(field, { target: { value: "10" } });
  expect(screen.getByText("Enter 9 or less")).toBeTruthy();
  fireEvent.change(field, { target: { value: "9" } });
  expect(field.getAttribute("aria-invalid")).toBe("false");
});

it("moves nothing away from under a button that is being pressed", async () => {
  const schema = { type: "object", properties: { n: { type: "integer", title: "Count" } } };
  show(<Form schema={schema} />);
  const field = screen.getByLabelText("Count");
  fireEvent.change(field, { target: { value: "ten" } });
  fireEvent.pointerDown(document.body);
  fireEvent.blur(field);
  expect(screen.queryByText("Enter a whole number")).toBeNull();
  fireEvent.pointerUp(document.body);
  expect(screen.queryByText("Enter a whole number")).toBeNull();
  expect(await screen.findByText("Enter a whole number")).toBeTruthy();
});
