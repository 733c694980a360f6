// What the values of a document are called: by the titles of its JSON Schema, in the order of its author.

import { alternatives, isObject, resolved, type Schema } from "src/forms/schema";

export type Field = { name: string; label: string; schema: Schema; value: unknown };

/** The fields that an object has: those of its schema first, then those that only the object has. */
export function fieldsOf(schema: unknown, value: Record<string, unknown>, root: Schema): Field[] {
  const { properties } = resolved(schema, root);
  const known = isObject(properties) ? properties : {};
  const names = [
    ...Object.keys(known).filter((name) => Object.hasOwn(value, name)),
    ...Object.keys(value).filter((name) => !Object.hasOwn(known, name)),
  ];
  return names.map((name) => {
    const own = Object.hasOwn(known, name) ? resolved(known[name], root) : {};
    const { title } = own;
    const label = typeof title === "string" && title !== "" ? title : name;
    return { name, label, schema: own, value: value[name] };
  });
}

const FORMATS: Record<string, string> = {
  date: "date",
  "date-time": "datetime",
  duration: "duration",
  uri: "link",
};

/** The format of a component's value that fits a value. */
export function formatOf(schema: Schema, value: unknown): string {
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "number") return "number";
  return (typeof value === "string" && FORMATS[String(schema.format)]) || "text";
}

/** The title of the alternative that a value is: `oneOf` with `const` and `title`; null where there is none. */
export function nameOfChoice(schema: Schema, value: unknown): string | null {
  const chosen = alternatives(schema).find((each) => "const" in each && each.const === value);
  return typeof chosen?.title === "string" ? chosen.title : null;
}
