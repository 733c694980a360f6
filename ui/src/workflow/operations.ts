// What may be done with an instance, and what is asked before.

import type { InstanceView } from "src/api/schema.gen";
import { type TextKey, t } from "src/texts";

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
  title: TextKey;
  /** Above the dialog and on its button; the title where it is left out. */
  heading?: TextKey;
  confirm?: TextKey;
  dismiss?: TextKey;
  text: TextKey;
  danger?: boolean;
  fields: (keyof Values)[];
};

export const OPERATIONS: Record<Operation, About> = {
  suspend: {
    title: "operation.suspend.title",
    text: "operation.suspend.text",
    fields: ["reason"],
  },
  resume: { title: "operation.resume.title", text: "operation.resume.text", fields: ["reason"] },
  cancel: {
    title: "operation.cancel.title",
    heading: "operation.cancel.heading",
    confirm: "operation.cancel.confirm",
    dismiss: "operation.cancel.dismiss",
    text: "operation.cancel.text",
    danger: true,
    fields: ["compensate", "reason"],
  },
  retry: {
    title: "operation.retry.title",
    text: "operation.retry.text",
    fields: ["version", "reason"],
  },
  restart: {
    title: "operation.restart.title",
    text: "operation.restart.text",
    fields: ["fromStepId", "version", "document", "reason"],
  },
  skip: {
    title: "operation.skip.title",
    text: "operation.skip.text",
    fields: ["stepId", "document", "reason"],
  },
  compensate: {
    title: "operation.compensate.title",
    text: "operation.compensate.text",
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
    throw new SyntaxError(t("operation.object"));
  }
  return value as Record<string, unknown>;
}
