// The schema of the form of a step: the parts of the format, the arguments as its task wants them, targets by their ids.

import { isObject, type Schema } from "src/forms/schema";
import { argumentsOf, partOf, type Tasks } from "src/workbench/schema";

export const SECTIONS = {
  task: ["name", "description", "taskId", "arguments", "input", "output"],
  ways: ["next"],
  failure: ["timeout", "onTimeout", "retryPolicy", "onFailure", "compensation"],
} as const;
export type Section = keyof typeof SECTIONS;
export type StepValue = Record<string, unknown>;

/** A value that is computed: it is written where a value is asked for. */
const EXPRESSION: Schema = {
  type: "object",
  properties: {
    type: { enum: ["cel", "jmespath", "jsonata"] },
    expression: { type: "string", format: "textarea" },
  },
  required: ["type", "expression"],
};

/**
 * The schema of a section of the form.
 *
 * @param targets the ids that a way of the step may lead to
 */
export function sectionSchema(
  section: Section,
  step: StepValue,
  tasks: Tasks,
  targets: readonly string[],
): Schema {
  const { properties, $defs, ...rest } = partOf("Step");
  const known = properties as Record<string, unknown>;
  const own: Record<string, unknown> = Object.fromEntries(
    SECTIONS[section].map((name) => [name, known[name]]),
  );
  if (section === "task") {
    if (isObject(step.taskId)) delete own.taskId;
    else if (tasks.size > 0) own.taskId = { enum: withOwn([...tasks.keys()], step.taskId) };
    const wanted = argumentsOf(step, tasks);
    if (wanted !== null) own.arguments = adapted(wanted, step.arguments);
  }
  return { ...rest, properties: own, required: [], $defs: withTargets($defs, targets) };
}

/** A step as the form has it, without what the form has left empty. */
export function withoutEmpty(value: StepValue, before: StepValue): StepValue {
  const kept = Object.entries(value).filter(
    ([key, each]) => each !== undefined && (!isObject(each) || Object.keys(each).length > 0 || key in before),
  );
  return Object.fromEntries(
    kept.map(([key, each]) => {
      const old = before[key];
      return [key, isObject(each) ? withoutEmpty(each, isObject(old) ? old : {}) : each];
    }),
  );
}

/** A schema for a value that has expressions in it; what they are inside of a list is written as JSON. */
function adapted(schema: Schema, value: unknown): Schema {
  const title = schema.title === undefined ? {} : { title: schema.title };
  if (isExpression(value)) return { ...EXPRESSION, ...title, description: schema.description };
  if (Array.isArray(value)) return value.some(hasExpression) ? { ...title } : schema;
  if (!isObject(value) || !isObject(schema.properties)) return hasExpression(value) ? { ...title } : schema;
  const properties = Object.fromEntries(
    Object.entries(schema.properties).map(([name, each]) => [
      name,
      isObject(each) && value[name] !== undefined ? adapted(each, value[name]) : each,
    ]),
  );
  return { ...schema, properties };
}

function isExpression(value: unknown): boolean {
  return isObject(value) && typeof value.type === "string" && typeof value.expression === "string";
}

function hasExpression(value: unknown): boolean {
  if (isExpression(value)) return true;
  const inner = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return inner.some(hasExpression);
}

/** Parts of the format in which ways lead to the steps that there are. */
function withTargets(parts: unknown, targets: readonly string[]): unknown {
  if (!isObject(parts)) return parts;
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => {
      if (!isObject(part) || !isObject(part.properties) || !("nextStepId" in part.properties))
        return [name, part];
      return [name, { ...part, properties: { ...part.properties, nextStepId: { enum: [...targets] } } }];
    }),
  );
}

function withOwn(all: string[], own: unknown): string[] {
  return typeof own === "string" && !all.includes(own) ? [own, ...all] : all;
}
