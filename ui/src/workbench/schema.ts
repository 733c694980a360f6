// What the format says about a place in a document: the parts of schema/workflow.schema.json that hold there, and inside
// the arguments of a step the schema of its task.

import type { JSONPath } from "jsonc-parser";
import type { TaskSummary } from "src/api/schema.gen";
import { isObject, type Schema } from "src/forms/schema";
import { valueAt } from "src/workbench/outline";
import { taskIds } from "src/workbench/shape";
import format from "../../../schema/workflow.schema.json";

export type Tasks = ReadonlyMap<string, TaskSummary>;

const ROOT: Schema = format;
const DEEPEST = 12;

/** The schemas that hold at a path, without references and alternatives. */
export function schemasAt(document: unknown, path: JSONPath, tasks: Tasks): Schema[] {
  let found = plain(ROOT, ROOT);
  let root = ROOT;
  path.forEach((part, index) => {
    const step = valueAt(document, path.slice(0, index));
    const own = part === "arguments" && isObject(step) ? argumentsOf(step, tasks) : null;
    if (own !== null) {
      root = own;
      found = plain(own, own);
    } else {
      found = found.flatMap((schema) => plain(inside(schema, part), root));
    }
  });
  return found;
}

/** The schema of the arguments of a step; null where its task is not known, or one of several. */
export function argumentsOf(step: Record<string, unknown>, tasks: Tasks): Schema | null {
  const [only, ...more] = taskIds(step.taskId);
  return more.length > 0 || only === undefined ? null : (tasks.get(only)?.argumentsSchema ?? null);
}

/** A part of the format by its name, as a schema of its own. */
export function partOf(name: string): Schema {
  const parts = format.$defs as Record<string, Schema>;
  return { ...parts[name], $defs: parts };
}

/** The alternatives of a part of the format. */
export function alternativesOf(schema: Schema): Schema[] {
  return plain(schema, ROOT);
}

function inside(schema: Schema, part: string | number): unknown {
  if (typeof part === "number") return schema.items;
  const properties = isObject(schema.properties) ? schema.properties : {};
  return (
    properties[part] ?? (isObject(schema.additionalProperties) ? schema.additionalProperties : undefined)
  );
}

/** A schema as the alternatives that it consists of; what stands beside them holds for each. */
function plain(schema: unknown, root: Schema, depth = 0): Schema[] {
  if (!isObject(schema) || depth > DEEPEST) return [];
  const { $ref, anyOf, oneOf, allOf, ...own } = schema;
  const parts = [anyOf, oneOf, allOf].flatMap((each) => (Array.isArray(each) ? each : []));
  const named = typeof $ref === "string" ? [reference($ref, root)] : [];
  const found = [...named, ...parts].flatMap((each) => plain(each, root, depth + 1));
  return found.length === 0 ? [own] : found.map((each) => ({ ...each, ...own }));
}

function reference(name: string, root: Schema): unknown {
  return name.startsWith("#/") ? valueAt(root, name.slice(2).split("/")) : undefined;
}
