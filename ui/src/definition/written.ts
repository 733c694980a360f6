// A document as people write it. Where the text itself was not kept there is no order of names, so what is read first is put first again.

import type { DefinitionVersion } from "src/api/schema.gen";
import { isObject } from "src/forms/schema";

const FIRST = [
  "workflowId",
  "stepId",
  "branchId",
  "componentId",
  "taskId",
  "nextStepId",
  "eventPattern",
  "schedule",
  "cron",
  "every",
  "timetable",
  "timezone",
  "errorType",
  "errorCode",
  "type",
  "title",
  "name",
  "description",
  "version",
  "expression",
  "inputSchema",
  "triggers",
  "settings",
  "variables",
  "condition",
  "action",
  "arguments",
  "forEach",
  "parallelBranches",
  "steps",
  "properties",
  "required",
  "next",
  "retryPolicy",
  "timeout",
  "onFailure",
  "compensation",
  "uiComponents",
  "executionLog",
];
const RANK = new Map(FIRST.map((name, index) => [name, index]));
/** What is inside these belongs to the author: its names mean nothing to us. */
const OPAQUE = new Set(["arguments", "properties", "variables", "default", "examples", "const", "enum"]);

/** The text of a definition: as it was published, or written anew. */
export function textOf({ document, source }: Pick<DefinitionVersion, "document" | "source">): string {
  return source ?? written(document);
}

export function written(document: unknown): string {
  return `${JSON.stringify(ordered(document), null, 2)}\n`;
}

function ordered(value: unknown, opaque = false): unknown {
  if (Array.isArray(value)) return value.map((each) => ordered(each, opaque));
  if (!isObject(value)) return value;
  const names = Object.keys(value);
  const sorted = opaque ? names : names.toSorted((one, other) => rank(one) - rank(other));
  return Object.fromEntries(sorted.map((name) => [name, ordered(value[name], !opaque && OPAQUE.has(name))]));
}

function rank(name: string): number {
  return RANK.get(name) ?? FIRST.length;
}
