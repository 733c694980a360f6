// What may be done with an instance, and what is asked before.

import type { InstanceView } from "src/api/schema.gen";
import { check, type FieldErrors, isObject, type Schema, Unreadable } from "src/forms/schema";
import { type TextKey, t } from "src/texts";

export type Operation = InstanceView["operations"][number];
export type Values = {
  reason: string;
  compensate: boolean;
  version: "same" | "newest";
  fromStepId: string;
  stepId: string;
  /** The new input, or the result of a skipped step; undefined for none. */
  document: unknown;
  /** What the document has to fit. */
  schema: Schema;
};

export const NOTHING: Values = {
  reason: "",
  compensate: false,
  version: "same",
  fromStepId: "",
  stepId: "",
  document: undefined,
  schema: {},
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
  migrate: {
    title: "operation.migrate.title",
    text: "operation.migrate.text",
    fields: ["reason"],
  },
};

/** The body of a request. */
export function bodyOf(operation: Operation, values: Values): Record<string, unknown> {
  const { fields } = OPERATIONS[operation];
  const body: Record<string, unknown> = {};
  if (values.reason.trim() !== "") body.reason = values.reason.trim();
  if (fields.includes("compensate") && values.compensate) body.compensate = true;
  if (fields.includes("version")) body.version = values.version;
  if (fields.includes("fromStepId") && values.fromStepId !== "") body.fromStepId = values.fromStepId;
  if (fields.includes("stepId") && values.stepId !== "") body.stepId = values.stepId;
  if (fields.includes("document")) {
    if (operation === "skip") body.output = resultOf(values);
    else if (values.document !== undefined) body.input = values.document;
  }
  return body;
}

function resultOf({ document }: Values): unknown {
  return document === undefined ? {} : document;
}

/** What keeps an operation from being sent, by the pointer of the field. */
export function problemsOf(operation: Operation, values: Values): FieldErrors {
  if (!OPERATIONS[operation].fields.includes("document")) return {};
  const document = operation === "skip" ? resultOf(values) : values.document;
  if (document === undefined) return {};
  if (!isObject(document) && !(document instanceof Unreadable)) return { "": [t("form.object")] };
  return check(values.schema, document, values.schema);
}

/** What Airflow and we show instead of a secret. */
export const MASKED = "***";

/** An input to begin with: what was masked is left out, or it would be sent as if it were the value. */
export function startOf(input: Record<string, unknown>): { input: Record<string, unknown>; masked: boolean } {
  let masked = false;
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      masked ||= value.includes(MASKED);
      return value.filter((each) => each !== MASKED).map(clean);
    }
    if (!isObject(value)) return value;
    const kept = Object.entries(value).filter(([, each]) => each !== MASKED);
    masked ||= kept.length < Object.keys(value).length;
    return Object.fromEntries(kept.map(([name, each]) => [name, clean(each)]));
  };
  return { input: clean(input) as Record<string, unknown>, masked };
}
