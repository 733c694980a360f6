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

type About = {
  /** On the button that opens the dialog. */
  title: string;
  /** Above the dialog and on its button; the title where it is left out. */
  heading?: string;
  confirm?: string;
  dismiss?: string;
  text: string;
  danger?: boolean;
  fields: (keyof Values)[];
};

export const OPERATIONS: Record<Operation, About> = {
  suspend: {
    title: "Suspend",
    text: "No new step starts; steps that are running finish. You can resume the workflow later.",
    fields: ["reason"],
  },
  resume: { title: "Resume", text: "Continues where the workflow was suspended.", fields: ["reason"] },
  cancel: {
    title: "Cancel",
    heading: "Cancel this workflow?",
    confirm: "Cancel workflow",
    dismiss: "Keep it running",
    text: "The workflow ends as failed: running tasks are stopped and open tasks of people are withdrawn. You cannot undo this.",
    danger: true,
    fields: ["compensate", "reason"],
  },
  retry: {
    title: "Retry",
    text: "Continues at the failed step.",
    fields: ["version", "reason"],
  },
  restart: {
    title: "Restart",
    text: "Runs the workflow again, from the beginning or from a step that has run, with the same or another input.",
    fields: ["fromStepId", "version", "document", "reason"],
  },
  skip: {
    title: "Skip a failed step",
    text: "Enter what the task would have returned. The step's own `output` and `assign` are then applied to it, and the workflow continues with the next step.",
    fields: ["stepId", "document", "reason"],
  },
  compensate: {
    title: "Compensate",
    text: "Runs the compensations of completed steps that have not run, because the workflow ended before. It then ends with the same error.",
    fields: ["reason"],
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
