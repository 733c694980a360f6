// What two instances have in common, and where they differ.

import type { InstanceView, StepState } from "src/api/schema.gen";
import { isObject } from "src/forms/schema";
import { MASKED } from "src/workflow/operations";

export type Pair<T> = readonly [T, T];

/** `masked`: both are secrets, and whether they are the same is not known. */
export type Verdict = "same" | "differs" | "masked";

/** A value of both instances; undefined where there is none. */
export type ValueRow = { name: string; values: Pair<unknown>; verdict: Verdict };

/** A step of both instances; null where it was not reached. */
export type StepRow = { stepId: string; states: Pair<StepState | null>; verdict: Verdict };

/** Where the paths part: the last step that both completed, and where each went from there. */
export type Parting = { stepId: string; next: Pair<string> };

/**
 * The values of two documents, one a row: a field that is the same as a whole, of others what is within.
 *
 * @returns no rows where both are empty
 */
export function valueRows(left: unknown, right: unknown, name = ""): ValueRow[] {
  if (isObject(left) && isObject(right)) {
    return keysOf(left, right).flatMap((key) =>
      within(left[key], right[key], name === "" ? key : `${name}.${key}`),
    );
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    const longer = left.length > right.length ? left : right;
    return longer.flatMap((_, at) => within(left[at], right[at], `${name}[${at}]`));
  }
  if (isNothing(left) && isNothing(right)) return [];
  return [{ name, values: [left, right], verdict: verdictOf(left, right) }];
}

/** The steps of both instances in the order in which they began, those of the second alone after what began before them. */
export function stepRows([left, right]: Pair<InstanceView>): StepRow[] {
  const order = left.steps.map(({ stepId }) => stepId);
  let after = -1;
  for (const { stepId } of right.steps) {
    const at = order.indexOf(stepId);
    if (at < 0) order.splice(++after, 0, stepId);
    else after = at;
  }
  // Where a log lacks attempts, their numbers are no more than those that are known.
  const counted = left.timeline.complete && right.timeline.complete;
  return order.map((stepId) => {
    const states = [stateIn(left, stepId), stateIn(right, stepId)] as const;
    return {
      stepId,
      states,
      verdict: outcome(states[0], counted) === outcome(states[1], counted) ? "same" : "differs",
    };
  });
}

/** The first step from which the instances went different ways; null where they did not. */
export function partingOf(rows: readonly StepRow[]): Parting | null {
  for (const { stepId, states } of rows) {
    const [left, right] = [states[0]?.next ?? null, states[1]?.next ?? null];
    if (left !== null && right !== null && left !== right) return { stepId, next: [left, right] };
  }
  return null;
}

/** Milliseconds from the start to the end, or to now. */
export function durationOf(
  { startedAt, completedAt }: Pick<InstanceView, "startedAt" | "completedAt">,
  now: number,
): number {
  return (completedAt === null ? now : Date.parse(completedAt)) - Date.parse(startedAt);
}

function within(left: unknown, right: unknown, name: string): ValueRow[] {
  const verdict = verdictOf(left, right);
  const both = (isObject(left) && isObject(right)) || (Array.isArray(left) && Array.isArray(right));
  if (both && verdict !== "same") return valueRows(left, right, name);
  return [{ name, values: [left, right], verdict }];
}

function verdictOf(left: unknown, right: unknown): Verdict {
  if (canonical(left) !== canonical(right)) return "differs";
  return canonical(left)?.includes(JSON.stringify(MASKED)) ? "masked" : "same";
}

/** A value as text, the same for objects whose keys are in another order. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, each) =>
    isObject(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  );
}

function keysOf(left: Record<string, unknown>, right: Record<string, unknown>): string[] {
  return [...new Set([...Object.keys(left), ...Object.keys(right)])];
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}

function stateIn({ steps }: InstanceView, wanted: string): StepState | null {
  return steps.find(({ stepId }) => stepId === wanted) ?? null;
}

/** What a step came to, without its times. */
function outcome(state: StepState | null, counted: boolean): string {
  if (state === null) return "";
  const { status, next, error, visits, attempts } = state;
  const failure = [error?.type, error?.code, error?.message];
  return JSON.stringify([status, next ?? null, failure, counted ? [visits, attempts] : null]);
}
