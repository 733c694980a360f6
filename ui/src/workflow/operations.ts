// What may be done with an instance, and what is asked before.

import type { InstanceView } from "src/api/schema.gen";

export type Operation = InstanceView["operations"][number];
export type Values = {
  reason: string;
  compensate: boolean;
  version: "same" | "newest";
  fromStepId: string;
  stepId: string;
  /** JSON text; empty for none. */
  document: string;
};

export const NOTHING: Values = {
  reason: "",
  compensate: false,
  version: "same",
  fromStepId: "",
  stepId: "",
  document: "",
};

type About = { title: string; text: string; danger?: boolean; fields: (keyof Values)[] };

export const OPERATIONS: Record<Operation, About> = {
  suspend: {
    title: "Suspend",
    text: "No new step starts; what runs now finishes. It can be resumed.",
    fields: ["reason"],
  },
  resume: { title: "Resume", text: "The workflow goes on where it was suspended.", fields: ["reason"] },
  cancel: {
    title: "Cancel",
    text: "The workflow ends as failed: running tasks are stopped, and nobody is asked any more. This cannot be taken back.",
    danger: true,
    fields: ["compensate", "reason"],
  },
  retry: {
    title: "Retry",
    text: "The workflow goes on from the step that failed.",
    fields: ["version", "reason"],
  },
  restart: {
    title: "Restart",
    text: "The workflow runs again, from the beginning or from a step that has run, with the same input or another.",
    fields: ["fromStepId", "version", "document", "reason"],
  },
  skip: {
    title: "Skip a failed step",
    text: "The step counts as done with the output that you give, and the workflow goes on behind it.",
    fields: ["stepId", "document", "reason"],
  },
};

/** The body of a request. @throws SyntaxError the document is no JSON object */
export function bodyOf(operation: Operation, values: Values): Record<string, unknown> {
  const { fields } = OPERATIONS[operation];
  const body: Record<string, unknown> = {};
  if (values.reason.trim() !== "") body.reason = values.reason.trim();
  if (fields.includes("compensate") && values.compensate) body.compensate = true;
  if (fields.includes("version")) body.version = values.version;
  if (fields.includes("fromStepId") && values.fromStepId !== "") body.fromStepId = values.fromStepId;
  if (fields.includes("stepId") && values.stepId !== "") body.stepId = values.stepId;
  if (fields.includes("document")) {
    const document = values.document.trim() === "" ? null : objectOf(values.document);
    if (operation === "skip") body.output = document ?? {};
    else if (document !== null) body.input = document;
  }
  return body;
}

function objectOf(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("it must be an object: {…}");
  }
  return value as Record<string, unknown>;
}
