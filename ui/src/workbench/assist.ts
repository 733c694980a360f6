// What can stand at a place in a document, and what stands there.

import { getLocation, type JSONPath, type Location } from "jsonc-parser";
import { isObject, names, type Schema, typesOf } from "src/forms/schema";
import { outlineOf, siblings, stepAt, valueAt } from "src/workbench/outline";
import { alternativesOf, schemasAt, type Tasks } from "src/workbench/schema";
import { END, everyStep, FAIL, shapeOf } from "src/workbench/shape";

export type Choice = {
  /** What is chosen from, as it is read. */
  label: string;
  /** What is written. */
  insert: string;
  detail: string;
  info: string;
};
export type Choices = { from: number; to: number; choices: Choice[] };
export type Description = {
  /** Where it is, such as `steps.0.retryPolicy.delay`. */
  place: string;
  text: string;
  type: string;
  values: string[];
  fallback: string | null;
  /** The properties of an object, with what they are for. */
  properties: { name: string; text: string; required: boolean }[];
};

/** The expressions' names that are always there. */
const NAMES = ["data", "input", "steps", "variables", "output", "attempt", "error", "event", "workflow"];

/** What can be written at a place of a text; null where nothing is known. */
export function choicesAt(text: string, offset: number, tasks: Tasks): Choices | null {
  const location = getLocation(text, offset);
  const { document } = outlineOf(text);
  const choices = location.isAtPropertyKey
    ? keysAt(document, location, text, offset, tasks)
    : (namesAt(text, location, offset) ?? valuesAt(text, document, location, offset, tasks));
  if (choices === null || "from" in choices) return choices;
  return choices.length === 0 ? null : { ...rangeAt(text, location, offset), choices };
}

/** What the place in a text is; null where the format says nothing about it. */
export function descriptionAt(text: string, offset: number, tasks: Tasks): Description | null {
  const { path } = getLocation(text, offset);
  const { document } = outlineOf(text);
  const shown = path.filter((part) => part !== "");
  const [schema, ...others] = schemasAt(document, shown, tasks);
  if (schema === undefined) return null;
  const named = taskAt(document, shown, tasks);
  return {
    place: shown.join("."),
    text: named ?? textOf(schema, others),
    type: [...new Set([schema, ...others].flatMap(typesOf))].filter((type) => type !== "null").join(" | "),
    values: [...new Set([schema, ...others].flatMap(literalsOf))].map((each) => JSON.stringify(each)),
    fallback: "default" in schema && schema.default !== null ? JSON.stringify(schema.default) : null,
    properties: propertiesOf([schema, ...others]),
  };
}

function keysAt(document: unknown, { path }: Location, text: string, offset: number, tasks: Tasks): Choice[] {
  const holder = path.slice(0, -1);
  const there = valueAt(document, holder);
  const typed = path.at(-1);
  const known = isObject(there) ? Object.keys(there).filter((key) => key !== typed) : [];
  const colon = /^[^"\n]*"?\s*:/.test(text.slice(offset));
  return propertiesOf(schemasAt(document, holder, tasks))
    .filter(({ name }) => !known.includes(name))
    .map(({ name, text: info, schema, required }) => ({
      label: name,
      insert: colon ? JSON.stringify(name) : `${JSON.stringify(name)}: ${emptyOf(schema)}`,
      detail: required ? "*" : firstType(schema),
      info,
    }));
}

function valuesAt(
  text: string,
  document: unknown,
  { path }: Location,
  offset: number,
  tasks: Tasks,
): Choice[] {
  const key = path.findLast((part) => typeof part === "string");
  if (path.at(-1) === "taskId" || (key === "oneOf" && path.includes("taskId")))
    return [...tasks.values()].map((task) => choice(task.taskId, task.name, task.description ?? ""));
  if (key === "nextStepId") return targetsAt(text, document, path, offset).map((each) => choice(each));
  return [...new Set(schemasAt(document, path, tasks).flatMap(literalsOf))].map((each) => ({
    ...choice(typeof each === "string" ? each : JSON.stringify(each)),
    insert: JSON.stringify(each),
  }));
}

/** The steps that a way may lead to: those of its list, and of the workflow's own handler those of the workflow. */
function targetsAt(text: string, document: unknown, path: JSONPath, offset: number): string[] {
  const outline = outlineOf(text);
  const place = stepAt(outline, offset);
  const own = shapeOf(document).steps.map(({ stepId }) => stepId);
  const found = place === null || path[0] !== "steps" ? own : siblings(outline, place);
  return [...found.filter((each) => each !== place?.stepId), END, FAIL];
}

/** Names in an expression: `data.` and `input.` by the schema of the input, `steps.` by the steps. */
function namesAt(text: string, { path, previousNode }: Location, offset: number): Choices | null {
  const key = path.at(-1);
  if (previousNode?.type !== "string" || (key !== "condition" && key !== "expression")) return null;
  const typed = /[\w.]*$/.exec(text.slice(previousNode.offset + 1, offset))?.[0] ?? "";
  const { document } = outlineOf(text);
  const parts = typed.split(".");
  const last = parts.pop() ?? "";
  const found = parts.length === 0 ? NAMES : membersOf(document, parts);
  const choices = found.map((each) => ({ ...choice(each), insert: each }));
  return choices.length === 0 ? null : { from: offset - last.length, to: offset, choices };
}

function membersOf(document: unknown, [root, ...inner]: string[]): string[] {
  if (root === "steps") {
    if (inner.length === 1) return ["output", "status", "error", "visit"];
    return inner.length === 0 ? everyStep(shapeOf(document).steps).map(({ stepId }) => stepId) : [];
  }
  if (root !== "data" && root !== "input") return [];
  const path = ["inputSchema", ...inner.flatMap((name) => ["properties", name]), "properties"];
  const found = valueAt(document, path);
  return isObject(found) ? Object.keys(found) : [];
}

function choice(label: string, detail = "", info = ""): Choice {
  return { label, insert: JSON.stringify(label), detail, info };
}

/** What a choice replaces: the text that is there, or the word that is being typed. */
function rangeAt(text: string, { previousNode }: Location, offset: number): { from: number; to: number } {
  const end = previousNode === undefined ? -1 : previousNode.offset + previousNode.length;
  if (previousNode !== undefined && previousNode.offset < offset && offset <= end)
    return { from: previousNode.offset, to: end };
  const word = /"?[\w-]*$/.exec(text.slice(0, offset))?.[0] ?? "";
  return { from: offset - word.length, to: offset };
}

type Property = { name: string; text: string; required: boolean; schema: Schema };

function propertiesOf(schemas: readonly Schema[]): Property[] {
  const found = new Map<string, Property>();
  for (const { properties, required } of schemas) {
    if (!isObject(properties)) continue;
    for (const [name, schema] of Object.entries(properties)) {
      if (!isObject(schema) || found.has(name)) continue;
      found.set(name, { name, text: textOf(schema, []), required: names(required).includes(name), schema });
    }
  }
  return [...found.values()];
}

function textOf(schema: Schema, others: readonly Schema[]): string {
  const all = [schema, ...others];
  const texts = all.map(({ description }) => description).filter((each) => typeof each === "string");
  return [...new Set(texts)].join("\n");
}

function literalsOf(schema: Schema): unknown[] {
  if ("const" in schema) return [schema.const];
  if (Array.isArray(schema.enum)) return schema.enum;
  return typesOf(schema).includes("boolean") ? [true, false] : [];
}

function taskAt(document: unknown, path: JSONPath, tasks: Tasks): string | null {
  const value = valueAt(document, path);
  const task = path.at(-1) === "taskId" && typeof value === "string" ? tasks.get(value) : undefined;
  return task === undefined ? null : [task.name, task.description].filter(Boolean).join("\n");
}

/** What is written behind a new key. */
function emptyOf(schema: Schema): string {
  const [only, ...more] = literalsOf(schema);
  if (only !== undefined && more.length === 0) return JSON.stringify(only);
  return { string: '""', object: "{}", array: "[]" }[firstType(schema)] ?? "";
}

function firstType(schema: Schema): string {
  return alternativesOf(schema).flatMap(typesOf)[0] ?? "";
}
