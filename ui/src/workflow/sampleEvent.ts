// An event that a waiting step would take.

import type { WaitingStep } from "src/api/schema.gen";
import { isObject } from "src/forms/schema";
import { startOf } from "src/workflow/operations";

const WILDCARD = /^\*{1,2}$/;

/** A type that a pattern matches. */
export function typeFor(pattern: string): string {
  return pattern
    .split(".")
    .map((segment) => (WILDCARD.test(segment) ? "test" : segment))
    .join(".");
}

/** Data with the values that the step waits for, at their places; masked ones are left out. */
export function dataFor(correlation: WaitingStep["correlation"]): ReturnType<typeof startOf> {
  const data: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(correlation)) {
    const names = path.split(".");
    const last = names.pop() ?? path;
    let place = data;
    for (const name of names) {
      const inner = isObject(place[name]) ? place[name] : {};
      place[name] = inner;
      place = inner;
    }
    place[last] = value;
  }
  return startOf(data);
}
