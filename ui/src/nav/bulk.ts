// One operation on many instances: first what it would do, then on exactly those instances, a few at a time.

import { asFailure, call, type Failure } from "src/api/client";
import type { BulkResult, BulkResults } from "src/api/schema.gen";
import type { Operation } from "src/workflow/operations";

/** What is sent for each instance beside the filter. */
export type Order = { operation: Operation } & Record<string, unknown>;

/** Instances that are looked at in one request, and that are changed in one: so many between two looks at the bar. */
const LOOK = 200;
const CHANGE = 10;
const PATIENCE = [1000, 3000, 10_000, 30_000];

export type Progress = (results: readonly BulkResult[]) => void;

/** What an operation would do with the instances of a filter, or with those of these ids; nothing changes. */
export async function lookAt(
  order: Order,
  wanted: { filter: Record<string, unknown> } | { ids: readonly string[] },
  progress: Progress,
  signal: AbortSignal,
): Promise<BulkResult[]> {
  const found: BulkResult[] = [];
  const filters = "ids" in wanted ? inParts(wanted.ids, LOOK).map((ids) => ({ ids })) : [wanted.filter];
  for (const filter of filters) {
    let after: string | null = null;
    do {
      const body: unknown = { ...order, filter, dryRun: true, limit: LOOK, ...(after ? { after } : {}) };
      const page: BulkResults = await patiently(body, signal);
      found.push(...page.items);
      progress(found);
      after = page.next;
    } while (after !== null);
  }
  return found;
}

/**
 * Operate on instances.
 *
 * @returns the results of all, or of those before `signal` ended it
 * @throws Failure when the server refuses, or is away for long
 */
export async function operate(
  order: Order,
  ids: readonly string[],
  progress: Progress,
  signal: AbortSignal,
): Promise<BulkResult[]> {
  const done: BulkResult[] = [];
  for (const part of inParts(ids, CHANGE)) {
    if (signal.aborted) break;
    // A request that has begun is not given up: its results would be unknown.
    const { items } = await patiently({ ...order, filter: { ids: part }, limit: LOOK });
    done.push(...items);
    progress(done);
  }
  return done;
}

async function patiently(body: unknown, signal?: AbortSignal): Promise<BulkResults> {
  for (const wait of [...PATIENCE, null]) {
    try {
      return await call<BulkResults>("/instances/bulk", {
        method: "POST",
        body,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (error instanceof DOMException) throw error;
      const failure: Failure = asFailure(error);
      // What was done already is done: doing it again changes nothing.
      if (!failure.passing || wait === null) throw failure;
      await new Promise((resume) => setTimeout(resume, Math.max(wait, (failure.retryAfter ?? 0) * 1000)));
    }
  }
  throw new TypeError("unreachable");
}

export function inParts<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}

/** How many results have each outcome. */
export function outcomes(results: readonly BulkResult[]): Map<BulkResult["outcome"], number> {
  const counted = new Map<BulkResult["outcome"], number>();
  for (const { outcome } of results) counted.set(outcome, (counted.get(outcome) ?? 0) + 1);
  return counted;
}
