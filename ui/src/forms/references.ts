// What references within a schema name, as the server reads them: `$id`, `$anchor`, `$dynamicAnchor` and JSON pointers.

import { isObject, type Schema, unescaped } from "./schema";

/** A base for schemas without `$id`; nothing is ever fetched from it. */
const HERE = "schema://form/";
/** Keywords whose values are data, however much they look like schemas. */
const DATA = new Set(["const", "default", "enum", "examples"]);
/** Keywords that hold schemas by names of the author's. */
const NAMED = new Set(["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"]);

interface Index {
  /** The base URI of each schema. */
  readonly bases: WeakMap<object, string>;
  /** Schemas by base URI, and by base URI and anchor. */
  readonly schemas: Map<string, Schema>;
  readonly dynamic: Set<string>;
}

const indexes = new WeakMap<Schema, Index>();

/** The base URI of a schema that stands in a document as it is written there. */
export function baseOf(schema: object, root: Schema): string {
  const { bases } = indexOf(root);
  return bases.get(schema) ?? bases.get(root) ?? HERE;
}

/** The schema that a reference names; null where the document has none. */
export function target(reference: string, base: string, root: Schema): Schema | null {
  const { schemas } = indexOf(root);
  const url = resolve(reference, base);
  if (url === null) return null;
  const [resource = "", encoded = ""] = url.split("#", 2);
  let fragment: string;
  try {
    fragment = decodeURIComponent(encoded);
  } catch {
    return null;
  }
  if (fragment !== "" && !fragment.startsWith("/")) return schemas.get(`${resource}#${fragment}`) ?? null;
  const found = fragment
    .split("/")
    .slice(1)
    .map(unescaped)
    .reduce<unknown>((value, name) => {
      if (Array.isArray(value)) return value[Number(name)];
      return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    }, schemas.get(resource));
  return isObject(found) ? found : null;
}

/**
 * The schema that a `$dynamicRef` names: of an anchor that is dynamic, the one of the outermost schema.
 *
 * A form begins at the document's root, so the root's counts where it has one.
 */
export function dynamicTarget(reference: string, base: string, root: Schema): Schema | null {
  const { dynamic, schemas } = indexOf(root);
  const name = reference.split("#", 2)[1];
  const first = target(reference, base, root);
  const outermost = `${baseOf(root, root)}#${name}`;
  return first !== null && first.$dynamicAnchor === name && dynamic.has(outermost)
    ? (schemas.get(outermost) ?? first)
    : first;
}

function resolve(reference: string, base: string): string | null {
  try {
    return new URL(reference, base).href;
  } catch {
    return null;
  }
}

function indexOf(root: Schema): Index {
  const known = indexes.get(root);
  if (known !== undefined) return known;
  const index: Index = { bases: new WeakMap(), schemas: new Map([[HERE, root]]), dynamic: new Set() };
  indexes.set(root, index);
  read(root, HERE, index);
  return index;
}

function read(value: unknown, outer: string, index: Index): void {
  if (Array.isArray(value)) {
    for (const each of value) read(each, outer, index);
    return;
  }
  if (!isObject(value)) return;
  const base = identified(value, outer, index);
  index.bases.set(value, base);
  for (const keyword of ["$anchor", "$dynamicAnchor"] as const) {
    const name = value[keyword];
    if (typeof name !== "string") continue;
    const url = `${base}#${name}`;
    if (!index.schemas.has(url)) index.schemas.set(url, value);
    if (keyword === "$dynamicAnchor") index.dynamic.add(url);
  }
  for (const [keyword, each] of Object.entries(value)) {
    if (DATA.has(keyword)) continue;
    if (NAMED.has(keyword) && isObject(each)) for (const part of Object.values(each)) read(part, base, index);
    else read(each, base, index);
  }
}

function identified(schema: Schema, outer: string, index: Index): string {
  const url = typeof schema.$id === "string" ? resolve(schema.$id, outer) : null;
  const base = url?.split("#", 1)[0] ?? outer;
  if (url !== null && !index.schemas.has(base)) index.schemas.set(base, schema);
  return base;
}
