import { byField, check, initial, kindOf, resolved, type Schema } from "src/forms/schema";
import { describe, expect, it } from "vitest";

const ORDER: Schema = {
  type: "object",
  required: ["amount", "customer"],
  properties: {
    amount: { type: "number", minimum: 1 },
    currency: { type: "string", enum: ["EUR", "USD"], default: "EUR" },
    customer: { $ref: "#/$defs/customer" },
    lines: {
      type: "array",
      minItems: 1,
      items: { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] },
    },
  },
  $defs: {
    customer: {
      allOf: [{ type: "object", properties: { name: { type: "string", minLength: 2 } }, required: ["name"] }],
    },
  },
};

describe("kindOf", () => {
  it.each([
    [{ type: "string" }, "string"],
    [{ type: ["string", "null"] }, "string"],
    [{ type: "string", maxLength: 1000 }, "text"],
    [{ type: "integer" }, "integer"],
    [{ enum: [1, "a"] }, "enum"],
    [{ const: 1 }, "const"],
    [{ properties: {} }, "object"],
    [{ type: "object" }, "json"],
    [{ type: "array" }, "json"],
    [{ type: "array", items: { type: "string" } }, "array"],
    [{ type: ["string", "number"] }, "json"],
    [{ oneOf: [{ type: "string" }, { type: "number" }] }, "choice"],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, "json"],
    [{}, "json"],
  ])("of %j is %s", (schema, kind) => {
    expect(kindOf(schema)).toBe(kind);
  });

  it("gives up on forms in forms without end", () => {
    expect(kindOf({ type: "object", properties: {} }, 6)).toBe("json");
  });
});

describe("resolved", () => {
  it("follows references and joins allOf", () => {
    const found = resolved({ $ref: "#/$defs/customer", title: "Who" }, ORDER);
    expect(found.title).toBe("Who");
    expect(found.required).toEqual(["name"]);
  });

  it.each([{ $ref: "#/nowhere" }, { $ref: "https://elsewhere.example/schema" }])(
    "leaves %j open",
    (schema) => {
      expect(resolved(schema, ORDER)).toEqual({});
    },
  );

  it("ends where a schema refers to itself", () => {
    const root = { $ref: "#" };
    expect(resolved(root, root)).toEqual({});
  });
});

describe("initial", () => {
  it("has the defaults and what is needed", () => {
    expect(initial(ORDER, ORDER)).toEqual({ currency: "EUR" });
  });

  it("keeps a default that is false, empty or null", () => {
    const properties = { a: { default: false }, b: { default: "" }, c: { default: null }, d: { const: 3 } };
    const schema = { type: "object", properties };
    expect(initial(schema, schema)).toEqual({ a: false, b: "", c: null, d: 3 });
  });
});

describe("check", () => {
  it("finds what is missing and what is out of bounds, at its place", () => {
    const found = check(ORDER, { amount: 0, customer: { name: "x" }, lines: [{}] }, ORDER);
    expect(Object.keys(found).sort()).toEqual(["/amount", "/customer/name", "/lines/0/sku"]);
  });

  it("is content with what is right", () => {
    expect(check(ORDER, { amount: 5, customer: { name: "Ada" }, lines: [{ sku: "1" }] }, ORDER)).toEqual({});
  });

  it("writes names in pointers as RFC 6901 says", () => {
    const schema = { type: "object", properties: { "a/b~c": {} }, required: ["a/b~c"] };
    expect(Object.keys(check(schema, {}, schema))).toEqual(["/a~1b~0c"]);
  });
});

describe("byField", () => {
  it("sorts findings by field, and keeps the others", () => {
    const found = byField(
      [
        { pointer: "/input/amount", message: "too small" },
        { pointer: "/input", message: "something" },
        { pointer: "/inputs", message: "another" },
        { pointer: "", message: "all" },
      ],
      "/input",
    );
    expect(found.fields).toEqual({ "/amount": ["too small"], "": ["something"] });
    expect(found.others).toEqual(["/inputs: another", "all"]);
  });
});
