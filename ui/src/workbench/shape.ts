// A definition as far as it can be read while somebody types: nothing is required, and what has a wrong type is left out.

import { isObject } from "src/forms/schema";
import { t } from "src/texts";

export type Target = { to: string; label: string; otherwise: boolean };
export type Inner = { name: string; kind: "branch" | "items"; steps: Step[] };
export type Step = {
  stepId: string;
  name: string;
  task: string;
  description: string | null;
  /** Null where the step has no `next`: then the following step comes (rule T2). */
  next: Target[] | null;
  handlers: Target[];
  compensation: string | null;
  inner: Inner[];
};
export type Shape = {
  workflowId: string;
  version: string;
  steps: Step[];
  /** The handlers of the workflow; null where it has no `onFailure`. */
  handlers: Target[] | null;
};

export const END = "end";
export const FAIL = "fail";

/** The shape of a document. */
export function shapeOf(document: unknown): Shape {
  const found = isObject(document) ? document : {};
  return {
    workflowId: text(found.workflowId) ?? "",
    version: text(found.version) ?? "",
    steps: stepsOf(found.steps),
    handlers: isObject(found.onFailure) ? handlersOf(found.onFailure, true) : null,
  };
}

/** Every step of lists, each before those inside it. */
export function everyStep(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => [step, ...step.inner.flatMap((inner) => everyStep(inner.steps))]);
}

/** The tasks that a `taskId` names: one, or a set of which one is selected. */
export function taskIds(taskId: unknown): string[] {
  if (typeof taskId === "string") return [taskId];
  return isObject(taskId) ? objects(taskId.oneOf, (each) => text(each)) : [];
}

function stepsOf(value: unknown): Step[] {
  return objects(value, (each) => {
    if (!isObject(each)) return null;
    const stepId = text(each.stepId);
    return stepId === null ? null : stepOf(stepId, each);
  });
}

function stepOf(stepId: string, step: Record<string, unknown>): Step {
  const failure = isObject(step.onFailure) ? step.onFailure : {};
  const handlers = handlersOf(failure, false);
  const next = Array.isArray(step.next) ? nextOf(step.next) : null;
  return {
    stepId,
    name: text(step.name) || stepId,
    task: taskIds(step.taskId).join(" | "),
    description: text(step.description),
    next,
    handlers,
    compensation: isObject(step.compensation) ? (text(step.compensation.taskId) ?? "") : null,
    inner: innerOf(step),
  };
}

function nextOf(next: readonly unknown[]): Target[] {
  return objects(next, (each) => {
    const to = isObject(each) ? text(each.nextStepId) : null;
    if (to === null) return null;
    const condition = text((each as Record<string, unknown>).condition);
    const otherwise = condition === null && next.length > 1;
    return { to, label: condition ?? (otherwise ? t("graph.otherwise") : ""), otherwise };
  });
}

function handlersOf(failure: Record<string, unknown>, ofWorkflow: boolean): Target[] {
  const handler = isObject(failure.errorHandler) ? failure.errorHandler : {};
  const found: Target[] = objects(handler.conditions, (each) => {
    const to = isObject(each) ? text(each.nextStepId) : null;
    if (to === null) return null;
    const { errorType, errorCode } = each as Record<string, unknown>;
    const code = text(errorCode) === null ? "" : `code ${text(errorCode)}`;
    return { to, label: [text(errorType) ?? "", code].filter(Boolean).join(", "), otherwise: false };
  });
  const to = text(failure.nextStepId);
  if (to !== null && (ofWorkflow || failure.action === "continue"))
    found.push({ to, label: t("graph.anyError"), otherwise: false });
  return found;
}

function innerOf(step: Record<string, unknown>): Inner[] {
  const branches: Inner[] = objects(step.parallelBranches, (each) =>
    isObject(each) && typeof each.branchId === "string"
      ? { name: each.branchId, kind: "branch", steps: stepsOf(each.steps) }
      : null,
  );
  if (!isObject(step.forEach)) return branches;
  const { as, steps } = step.forEach;
  return [...branches, { name: text(as) ?? "item", kind: "items", steps: stepsOf(steps) }];
}

function objects<Each>(value: unknown, read: (each: unknown) => Each | null): Each[] {
  return Array.isArray(value) ? value.map(read).filter((each) => each !== null) : [];
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
