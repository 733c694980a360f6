// What follows what inside one step list, and which steps are part of a loop: rules T2 and T6, as model/flow.py has them.

import { END, FAIL, type Step, type Target } from "src/workbench/shape";

/** The steps that targets lead to, each once. */
export function stepsAt(targets: readonly Target[]): string[] {
  const found = targets.map(({ to }) => to).filter((to) => to !== END && to !== FAIL);
  return [...new Set(found)];
}

/**
 * Where each step of a list goes when it has completed.
 *
 * @param namedBefore targets that count as named before the list: those of the workflow's `onFailure`
 */
export function transitionsOf(
  steps: readonly Step[],
  namedBefore: readonly string[] = [],
): Map<string, Target[]> {
  const named = new Set(namedBefore);
  const found = new Map<string, Target[]>();
  steps.forEach((step, index) => {
    for (const to of stepsAt([...(step.next ?? []), ...step.handlers])) named.add(to);
    const follower = steps[index + 1]?.stepId;
    const otherwise = step.next === null && follower !== undefined && !named.has(follower) ? follower : END;
    const next = step.next ?? [];
    found.set(step.stepId, next.length > 0 ? next : [{ to: otherwise, label: "", otherwise: false }]);
  });
  return found;
}

type Follow = (node: string) => readonly string[];

/** The nodes that can be reached from some, those included. */
export function reachable(starts: readonly string[], follow: Follow): Set<string> {
  const seen = new Set<string>();
  const todo = [...starts];
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    todo.push(...follow(node));
  }
  return seen;
}

/** The cycle that each node is part of, by a number; nodes that are in none are left out (Tarjan). */
export function cycles(nodes: readonly string[], follow: Follow): Map<string, number> {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const open = new Set<string>();
  const found = new Map<string, number>();
  let count = 0;
  const visit = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.size - 1);
    stack.push(node);
    open.add(node);
    for (const next of follow(node)) {
      if (!index.has(next)) visit(next);
      if (open.has(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(node) !== index.get(node)) return;
    const component = stack.splice(stack.lastIndexOf(node));
    for (const each of component) open.delete(each);
    if (component.length === 1 && !follow(node).includes(node)) return;
    for (const each of component) found.set(each, count);
    count += 1;
  };
  for (const node of nodes) if (!index.has(node)) visit(node);
  return found;
}
