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

  it.each([
    { $ref: "#" },
    { allOf: [{ $ref: "#" }, { $ref: "#" }] },
    { anyOf: [{ $ref: "#" }, { type: "null" }] },
    { allOf: [{ anyOf: [{ $ref: "#" }, { type: "null" }] }] },
  ])("ends where %j refers to itself", (root) => {
    expect(resolved(root, root)).toEqual({});
  });

  it("finds what anchors and escaped pointers name, and looks for no anchor in data", () => {
    const root = {
      default: { $anchor: "size", title: "data" },
      $defs: {
        "net/of tax": { title: "pointer" },
        list: { prefixItems: [{ title: "in a list" }] },
        one: { $anchor: "size", title: "anchor" },
      },
    };
    const title = ($ref: string) => resolved({ $ref }, root).title;
    expect(title("#/$defs/net~1of%20tax")).toBe("pointer");
    expect(title("#/$defs/list/prefixItems/0")).toBe("in a list");
    expect(title("#size")).toBe("anchor");
    expect(title("#other")).toBeUndefined();
    expect(title("#/%E0%A4%A")).toBeUndefined();
  });

  it("reads references in a nested resource from where that stands", () => {
    const root = {
      $id: "https://example.org/order",
      $defs: {
        unit: { title: "outer" },
        line: {
          $id: "line",
          $defs: { unit: { title: "inner" }, amount: { $anchor: "amount", title: "anchored" } },
          properties: {
            unit: { $ref: "#/$defs/unit" },
            amount: { $ref: "#amount" },
            order: { $ref: "order#/$defs/unit" },
            $id: { title: "a field" },
          },
        },
        urn: {
          $id: "urn:example:x",
          properties: { own: { $ref: "#/$defs/y" } },
          $defs: { y: { title: "urn" } },
        },
      },
      properties: { default: { $ref: "line" }, far: { $ref: "https://elsewhere.example/x" } },
    };
    const line = resolved(root.properties.default, root).properties as Record<string, Schema>;
    expect(resolved(line.unit, root).title).toBe("inner");
    expect(resolved(line.amount, root).title).toBe("anchored");
    expect(resolved(line.order, root).title).toBe("outer");
    expect(resolved(root.properties.far, root)).toEqual({});
    expect(resolved({ $ref: "#amount" }, root).title).toBeUndefined();
    const urn = resolved({ $ref: "urn:example:x" }, root).properties as Record<string, Schema>;
    expect(resolved(urn.own, root).title).toBe("urn");
  });

  it("takes the outermost of dynamic anchors", () => {
    const tree = { $id: "tree", $dynamicAnchor: "node", title: "any", items: { $dynamicRef: "#node" } };
    const strict = {
      $id: "https://example.org/strict",
      $dynamicAnchor: "node",
      title: "strict",
      $defs: { tree },
    };
    const plain = { $id: "https://example.org/plain", title: "plain", $defs: { tree } };
    expect(resolved(tree.items, strict).title).toBe("strict");
    expect(resolved(tree.items, plain).title).toBe("any");
  });

  it("takes the one alternative beside null", () => {
    expect(resolved({ anyOf: [{ type: "string" }, { type: "null" }], title: "T" }, {})).toEqual({
      type: "string",
      title: "T",
    });
    const several = { anyOf: [{ type: "string" }, { type: "number" }] };
    expect(resolved(several, {})).toEqual(several);
  });
});

describe("initial", () => {
  it("has the defaults behind references as the server fills them in: the nearest wins", () => {
    const root: Schema = {
      $defs: {
        unit: { $anchor: "unit", type: "string", default: "piece" },
        site: {
          type: "object",
          required: ["zone"],
          properties: { zone: { type: "string", default: "north" } },
        },
      },
      type: "object",
      required: ["to"],
      properties: {
        unit: { $ref: "#unit" },
        packed: { $ref: "#unit", default: "box" },
        first: { allOf: [{ default: 1 }, { default: 2 }] },
        own: { allOf: [{ default: 1 }], default: 3 },
        to: { anyOf: [{ $ref: "#/$defs/site" }, { type: "null" }] },
        either: {
          anyOf: [
            { type: "string", default: "x" },
            { type: "number", default: 1 },
          ],
        },
      },
    };
    expect(initial(root, root)).toEqual({
      unit: "piece",
      packed: "box",
      first: 1,
      own: 3,
      to: { zone: "north" },
    });
  });

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
  it.each([
    ["^[A-Z]{3}$", "ABC", true],
    ["^[A-Z]{3}$", "ABC\n", false],
    ["^\\d$", "\u0661", false],
    ["^\\p{Lu}\\p{L}+$", "Østergård", true],
    ["^\\u{1F4E6}$", "📦", true],
    ["(?P<only>in Python)", "anything", true],
  ])("of the pattern %s and %j is %s, as the server reads patterns", (pattern, value, fits) => {
    expect(check({ type: "string", pattern }, value, {})).toEqual(
      fits ? {} : { "": [`This must match ${pattern}`] },
    );
  });

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

describe("patterns", () => {
  it.each([
    "(a+)+$",
    "^(a|a)*$",
    "^(?:a{1,9}){1,9}$",
    "(a{9}){9}b",
    "^(?=(a+)+$)",
    "(a)\\1",
    "(?<n>a+)\\k<n>",
    "a*a*a*a*a*b",
    "a{1,9999}a{1,9999}a{1,9999}b",
  ])("leaves %s to the server", (pattern) => {
    const began = performance.now();
    expect(check({ type: "string", pattern }, "a".repeat(300), {})).toEqual({});
    expect(performance.now() - began).toBeLessThan(500);
  });

  it.each([
    ["^[A-Z]{2}\\d{4,6}(-[a-z]+)?$", "AB1234-x", "AB12"],
    ["^[^@ ]+@[^@ ]+\\.[a-z]{2,}$", "ada@example.org", "ada"],
    ["^(?:red|green)$", "red", "blue"],
    ["^\\(\\d{3}\\) [(+*]$", "(123) +", "123"],
  ])("checks %s while one types", (pattern, good, bad) => {
    const found = (value: string) => Object.keys(check({ type: "string", pattern }, value, {}));
    expect([found(good), found(bad)]).toEqual([[], [""]]);
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
