import { screen } from "@testing-library/react";
import { SchemaValues } from "src/forms/SchemaValues";
import { show } from "src/testing/render";
import { expect, test } from "vitest";

const schema = {
  type: "object",
  properties: {
    supplier: { $ref: "#/$defs/party" },
    amount: { type: "number", title: "Amount in EUR" },
    urgent: { type: "boolean", title: "Urgent" },
    reason: { title: "Reason", oneOf: [{ const: "new", title: "New hire" }, { const: "spare" }] },
    lines: {
      type: "array",
      title: "Lines",
      items: {
        type: "object",
        properties: { sku: { type: "string", title: "Article" }, price: { type: "number", title: "Price" } },
      },
    },
    tags: { type: "array", title: "Tags", items: { type: "string" } },
    missing: { type: "string", title: "Missing" },
  },
  $defs: {
    party: { type: "object", title: "Supplier", properties: { name: { type: "string", title: "Name" } } },
  },
};

const value = {
  more: "not in the schema",
  tags: ["a", "b"],
  lines: [{ price: 1500.5, sku: "X-1" }, { sku: "<b>bold</b>" }],
  reason: "new",
  urgent: true,
  amount: 12_000,
  supplier: { name: "Acme" },
};

test("values have the titles and the order of the author, and what no schema has comes last", () => {
  show(<SchemaValues schema={schema} value={value} />);
  const terms = screen.getAllByRole("term").map(({ textContent }) => textContent);
  expect(terms).toEqual(["Supplier", "Name", "Amount in EUR", "Urgent", "Reason", "Lines", "Tags", "more"]);
  const content = (title: string) => screen.getByText(title).nextSibling?.textContent;
  expect([content("Amount in EUR"), content("Urgent"), content("Reason"), content("Tags")]).toEqual([
    "12,000",
    "yes",
    "New hire",
    "a, b",
  ]);
  const rows = screen.getAllByRole("row").map(({ textContent }) => textContent);
  expect(rows).toEqual(["ArticlePrice", "X-11,500.5", "<b>bold</b>–"]);
});

test("names of Object's own are names like others", () => {
  show(<SchemaValues schema={schema} value={{ constructor: "c", toString: null }} />);
  expect(screen.getAllByRole("term").map(({ textContent }) => textContent)).toEqual([
    "constructor",
    "toString",
  ]);
});
