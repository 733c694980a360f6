// What a JSON Schema asks for, as far as a form can show it. The server checks everything; this only helps to fill in.

import { t } from "src/texts";
import { matches } from "./patterns";
import { baseOf, dynamicTarget, target } from "./references";

export type Schema = { readonly [key: string]: unknown };
export type Kind =
  | "string"
  | "text"
  | "number"
  | "integer"
  | "boolean"
  | "enum"
  | "const"
  | "object"
  | "array"
  | "choice"
  | "json";
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

const MAX_REFERENCES = 20;
/** Deeper parts are written as JSON: a form of forms of forms helps nobody. */
const MAX_DEPTH = 6;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The schema without `$ref` and `allOf`, and without "or null", since a field can be empty.
 *
 * Of several defaults the nearest wins, as on the server: the schema's own, then that of what it refers to, then
 * those of `allOf` in their order.
 */
export function resolved(schema: unknown, root: Schema, steps = MAX_REFERENCES): Schema {
  let found: Schema = isObject(schema) ? schema : {};
  let base = baseOf(found, root);
  for (let step = 0; step < steps; step += 1) {
    const { $ref: reference, $dynamicRef: dynamic, ...rest } = found;
    if (typeof reference === "string" || typeof dynamic === "string") {
      const named =
        typeof reference === "string"
          ? target(reference, base, root)
          : dynamicTarget(dynamic as string, base, root);
      const further =
        typeof reference === "string" && typeof dynamic === "string" ? { $dynamicRef: dynamic } : {};
      found = { ...named, ...further, ...rest };
      if (named !== null) base = baseOf(named, root);
    } else if (Array.isArray(found.allOf) && found.allOf.every(isObject)) {
      const { allOf, ...others } = found;
      const parts = (allOf as Schema[]).map((part) => resolved(part, root, Math.floor(steps / 2)));
      const first = parts.find((part) => "default" in part);
      const together = parts.reduce(merged, {});
      found = merged(first === undefined ? together : { ...together, default: first.default }, others);
    } else {
      const only = orNull(found);
      if (only === null) return found;
      const { oneOf: _one, anyOf: _any, ...others } = found;
      found = merged(only, others);
      base = baseOf(only, root);
    }
  }
  return {};
}

/** The one alternative beside null, if that is what the schema says. */
function orNull(schema: Schema): Schema | null {
  const list = Array.isArray(schema.oneOf) ? schema.oneOf : schema.anyOf;
  if (!Array.isArray(list) || list.length !== 2 || (schema.oneOf && schema.anyOf)) return null;
  const [only, ...more] = list.filter(isObject).filter((each) => each.type !== "null");
  return only !== undefined && more.length === 0 && list.every(isObject) ? only : null;
}

function merged(one: Schema, other: Schema): Schema {
  const properties = { ...(one.properties as object), ...(other.properties as object) };
  const required = [...names(one.required), ...names(other.required)];
  return {
    ...one,
    ...other,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

export function names(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

export function typesOf(schema: Schema): string[] {
  return typeof schema.type === "string" ? [schema.type] : names(schema.type);
}

/** What a part of the form looks like. */
export function kindOf(schema: Schema, depth = 0): Kind {
  if ("const" in schema) return "const";
  if (Array.isArray(schema.enum)) return "enum";
  const types = typesOf(schema).filter((type) => type !== "null");
  const choices = alternatives(schema);
  if (choices.length > 1) return depth < MAX_DEPTH ? "choice" : "json";
  if (types.length > 1) return "json";
  const type = types[0] ?? (isObject(schema.properties) ? "object" : undefined);
  switch (type) {
    case "string":
      return schema.format === "textarea" || (Number(schema.maxLength) || 0) > 200 ? "text" : "string";
    case "number":
    case "integer":
    case "boolean":
      return type;
    case "object":
      return isObject(schema.properties) && depth < MAX_DEPTH ? "object" : "json";
    case "array":
      return isObject(schema.items) && depth < MAX_DEPTH ? "array" : "json";
    default:
      return "json";
  }
}

/** The alternatives of `oneOf` or `anyOf`, "or null" left out. */
export function alternatives(schema: Schema): Schema[] {
  const found = Array.isArray(schema.oneOf) ? schema.oneOf : Array.isArray(schema.anyOf) ? schema.anyOf : [];
  return found.filter(isObject).filter((each) => each.type !== "null");
}

/** What a field starts with; undefined leaves it out. */
export function initial(schema: unknown, root: Schema, depth = 0): unknown {
  const found = resolved(schema, root);
  if ("default" in found) return found.default;
  if ("const" in found) return found.const;
  if (kindOf(found, depth) !== "object") return undefined;
  const required = names(found.required);
  const properties = found.properties as Record<string, unknown>;
  const entries = Object.entries(properties)
    .map(([name, each]) => [name, initial(each, root, depth + 1)] as const)
    .filter(
      ([name, value]) => value !== undefined && (required.includes(name) || !isObject(value) || depth === 0),
    );
  return entries.length > 0 || depth === 0 ? Object.fromEntries(entries) : undefined;
}

/** What was typed into a field for JSON and is none: it stands for the value until it is. */
export class Unreadable {
  constructor(readonly typed: string) {}
}

/** What is plainly wrong with a value, by JSON pointer. */
export function check(schema: unknown, value: unknown, root: Schema, pointer = "", depth = 0): FieldErrors {
  const found = resolved(schema, root);
  const errors: Record<string, string[]> = {};
  const add = (at: string, message: string) => {
    errors[at] = [...(errors[at] ?? []), message];
  };
  const include = (more: FieldErrors) => {
    for (const [at, messages] of Object.entries(more)) for (const each of messages) add(at, each);
  };
  const kind = kindOf(found, depth);
  if (value instanceof Unreadable) return { [pointer]: [t("form.notJson")] };
  if (kind === "object" && isObject(value)) {
    for (const name of names(found.required)) {
      if (value[name] === undefined) add(`${pointer}/${escaped(name)}`, t("form.required"));
    }
    for (const [name, each] of Object.entries(found.properties as object)) {
      if (value[name] !== undefined) {
        include(check(each, value[name], root, `${pointer}/${escaped(name)}`, depth + 1));
      }
    }
  } else if (kind === "array" && Array.isArray(value)) {
    if (value.length < (Number(found.minItems) || 0))
      add(pointer, t("form.minItems", { limit: found.minItems }));
    if (typeof found.maxItems === "number" && value.length > found.maxItems) {
      add(pointer, t("form.maxItems", { limit: found.maxItems }));
    }
    value.forEach((each, index) => {
      include(check(found.items, each, root, `${pointer}/${index}`, depth + 1));
    });
  } else {
    for (const message of wrong(found, value)) add(pointer, message);
  }
  return errors;
}

function wrong(schema: Schema, value: unknown): string[] {
  const messages: string[] = [];
  const kind = kindOf(schema);
  // A number field keeps what is typed as a text until it is a number.
  if (typeof value === "string" && kind === "number") return [t("form.number")];
  if (typeof value === "string" && kind === "integer") return [t("form.integer")];
  if (typeof value === "string") {
    const length = [...value].length;
    if (length < (Number(schema.minLength) || 0))
      messages.push(t("form.minLength", { limit: schema.minLength }));
    if (typeof schema.maxLength === "number" && length > schema.maxLength) {
      messages.push(t("form.maxLength", { limit: schema.maxLength }));
    }
    if (typeof schema.pattern === "string" && matches(schema.pattern, value) === false) {
      messages.push(t("form.pattern", { pattern: schema.pattern }));
    }
  }
  if (typeof value === "number") {
    if (typesOf(schema).includes("integer") && !Number.isInteger(value)) messages.push(t("form.integer"));
    if (typeof schema.minimum === "number" && value < schema.minimum)
      messages.push(t("form.minimum", { limit: schema.minimum }));
    if (typeof schema.maximum === "number" && value > schema.maximum)
      messages.push(t("form.maximum", { limit: schema.maximum }));
  }
  return messages;
}

export function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

export function unescaped(name: string): string {
  return name.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Findings of the server by the pointer of the field that they are about. */
export function byField(
  findings: readonly { pointer: string; message: string }[],
  prefix: string,
): { fields: FieldErrors; others: string[] } {
  const fields: Record<string, string[]> = {};
  const others: string[] = [];
  for (const { pointer, message } of findings) {
    if (pointer === prefix || pointer.startsWith(`${prefix}/`)) {
      const at = pointer.slice(prefix.length);
      fields[at] = [...(fields[at] ?? []), message];
    } else {
      others.push(pointer === "" ? message : `${pointer}: ${message}`);
    }
  }
  return { fields, others };
}

/** `required` as the server tells it, at the object, is shown at the field that is missing. */
export function atMissingField(
  errors: FieldErrors,
  missing: (message: string) => string | null,
): FieldErrors {
  const moved: Record<string, string[]> = {};
  for (const [pointer, messages] of Object.entries(errors)) {
    for (const message of messages) {
      const name = missing(message);
      const at = name === null ? pointer : `${pointer}/${escaped(name)}`;
      moved[at] = [...(moved[at] ?? []), message];
    }
  }
  return moved;
}
