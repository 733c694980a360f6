// Changes of the graph as changes of the text: only what is meant changes, and layout and order of everything else stay.

import type { JSONPath } from "jsonc-parser";
import { isObject } from "src/forms/schema";
import { drawn } from "src/workbench/drawing";
import { listOf, type Outline, outlineOf, type Place, valueAt } from "src/workbench/outline";
import { END, FAIL } from "src/workbench/shape";
import { withItem, withValue } from "src/workbench/writing";

export type StepDocument = { stepId: string; [key: string]: unknown };

/** A text with what several changes make of it. */
export class Draft {
  private edited: string;

  constructor(private readonly text: string) {
    this.edited = text;
  }

  get outline(): Outline {
    return outlineOf(this.edited);
  }

  /** Set the value at a path; undefined takes it away, with its name. */
  set(path: JSONPath, value: unknown): this {
    this.edited = withValue(this.edited, path, value);
    return this;
  }

  /** Put a value into an array, before the one that is there. */
  insert(path: JSONPath, value: unknown): this {
    this.edited = withItem(this.edited, path, value);
    return this;
  }

  /** The same with a further change. */
  and(further: (text: string) => Draft): this {
    this.edited = further(this.edited).result();
    return this;
  }

  /** The text after the changes. */
  result(): string {
    return this.edited;
  }

  /** The one part in which the text before and after differ, as a change of the editor. */
  change(): { from: number; to: number; insert: string } {
    return difference(this.text, this.edited);
  }
}

/** The part in which two texts differ. */
export function difference(before: string, after: string): { from: number; to: number; insert: string } {
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before[from] === after[from]) from += 1;
  let same = 0;
  while (same < most - from && before.at(-1 - same) === after.at(-1 - same)) same += 1;
  return { from, to: before.length - same, insert: after.slice(from, after.length - same) };
}

/** A stepId that nothing in the document has yet. */
export function freeId({ places }: Outline, wanted: string): string {
  const taken = new Set([END, FAIL, ...places.map(({ stepId }) => stepId)]);
  if (!taken.has(wanted)) return wanted;
  const base = wanted.replace(/\d+$/, "") || wanted;
  for (let number = 2; ; number += 1) if (!taken.has(`${base}${number}`)) return `${base}${number}`;
}

/** Put a step behind another: it goes where that one went. Where nothing is named, it is the next in the list. */
export function insertAfter(text: string, place: Place, step: StepDocument): Draft {
  const draft = new Draft(text);
  const { document } = draft.outline;
  const next = valueAt(document, [...place.path, "next"]);
  const added = Array.isArray(next) ? { ...step, next } : step;
  draft.insert(following(place), added);
  if (Array.isArray(next)) draft.set([...place.path, "next"], [{ nextStepId: step.stepId }]);
  return draft;
}

/** Put a step at the start of a list, or as the only one of a list that is not there yet. */
export function insertFirst(text: string, list: JSONPath, step: StepDocument): Draft {
  const draft = new Draft(text);
  const found = valueAt(draft.outline.document, list);
  return Array.isArray(found) ? draft.insert([...list, 0], step) : draft.set(list, [step]);
}

/** Put a copy of a step behind it, with new ids, also for the steps inside it. */
export function duplicate(text: string, place: Place): Draft {
  const draft = new Draft(text);
  const { outline } = draft;
  const ids = new Map<string, string>();
  const inside = outline.places.filter(({ from, to }) => from >= place.from && to <= place.to);
  for (const { stepId } of inside) {
    const places = [...outline.places, ...[...ids.values()].map((id) => ({ ...place, stepId: id }))];
    ids.set(stepId, freeId({ ...outline, places }, stepId));
  }
  const copy = renamed(valueAt(outline.document, place.path), ids);
  return insertAfter(text, place, copy as StepDocument);
}

/** Take a step away: what led to it leads to where it went. The last step of a list that must not be empty stays. */
export function remove(text: string, place: Place): Draft {
  const draft = new Draft(text);
  const { document } = draft.outline;
  const list = valueAt(document, listOf(place));
  const heir = heirOf(document, place);
  const index = place.path.at(-1) as number;
  for (const { path } of namings(draft.outline, place.stepId).toReversed()) {
    // A reference that would name the step itself, or its own list's end twice, ends the path.
    if (!startsWith(path, place.path)) draft.set(path, heir);
  }
  const only = Array.isArray(list) && list.length === 1 && index === 0;
  return only && place.path.length === 2 ? new Draft(text) : draft.set(place.path, undefined);
}

/**
 * Have a way of a step lead elsewhere; a way that is not written yet is written.
 *
 * @param way its id, such as `check/next/1`
 */
export function reconnect(text: string, place: Place, way: string, target: string): Draft {
  const draft = new Draft(text);
  const [kind, position] = way.slice(place.stepId.length + 1).split("/");
  const at = pathOfWay(valueAt(draft.outline.document, place.path), kind, Number(position));
  return at === null
    ? draft
    : draft.set([...place.path, ...at.path], at.whole ? [{ nextStepId: target }] : target);
}

/** Let a step lead to another in addition. */
export function connect(text: string, place: Place, target: string): Draft {
  const draft = new Draft(text);
  const next = valueAt(draft.outline.document, [...place.path, "next"]);
  const list = Array.isArray(next) ? next : [];
  // What has no condition is taken first, so a new way stands before it.
  const last = list.findIndex((each) => !isObject(each) || typeof each.condition !== "string");
  if (list.length === 0) return draft.set([...place.path, "next"], [{ nextStepId: target }]);
  const entry = last === -1 ? { nextStepId: target } : { condition: "true", nextStepId: target };
  return draft.insert([...place.path, "next", last === -1 ? list.length : last], entry);
}

/** Give a step another id, also where others name it. */
export function rename(text: string, place: Place, stepId: string): Draft {
  const draft = new Draft(text);
  for (const { path } of namings(draft.outline, place.stepId)) draft.set(path, stepId);
  return draft.set([...place.path, "stepId"], stepId);
}

/** Change a step to what a form made of it: only the keys that differ. */
export function changeStep(text: string, place: Place, changed: Record<string, unknown>): Draft {
  const draft = new Draft(text);
  const before = valueAt(draft.outline.document, place.path);
  merge(draft, place.path, isObject(before) ? before : {}, changed);
  return draft;
}

function merge(
  draft: Draft,
  path: JSONPath,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [one, other] = [before[key], after[key]];
    if (JSON.stringify(one) === JSON.stringify(other)) continue;
    if (isObject(one) && isObject(other)) merge(draft, [...path, key], one, other);
    else draft.set([...path, key], other);
  }
}

function following({ path }: Place): JSONPath {
  return [...path.slice(0, -1), (path.at(-1) as number) + 1];
}

/** Where a step's first way leads; `end` where that would be itself. */
function heirOf(document: unknown, { stepId }: Place): string {
  const first = drawn(document).edges.find((edge) => edge.stepId === stepId && edge.kind === "next");
  const found = first?.decision ?? END;
  return found === stepId ? END : found;
}

type Naming = { path: JSONPath };

/** Every place at which the ways of a document name a step. */
function namings({ document, places }: Outline, stepId: string): Naming[] {
  const owners: JSONPath[] = [[], ...places.map(({ path }) => path)];
  return owners.flatMap((owner) => {
    const found = valueAt(document, owner);
    if (!isObject(found)) return [];
    return [...waysIn(found)]
      .filter(([, target]) => target === stepId)
      .map(([path]) => ({ path: [...owner, ...path] }));
  });
}

function* waysIn(owner: Record<string, unknown>): Generator<[JSONPath, unknown]> {
  const next = Array.isArray(owner.next) ? owner.next : [];
  for (const [index, each] of next.entries())
    if (isObject(each)) yield [["next", index, "nextStepId"], each.nextStepId];
  const failure = isObject(owner.onFailure) ? owner.onFailure : {};
  const handler = isObject(failure.errorHandler) ? failure.errorHandler : {};
  const conditions = Array.isArray(handler.conditions) ? handler.conditions : [];
  for (const [index, each] of conditions.entries())
    if (isObject(each))
      yield [["onFailure", "errorHandler", "conditions", index, "nextStepId"], each.nextStepId];
  if ("nextStepId" in failure) yield [["onFailure", "nextStepId"], failure.nextStepId];
}

function pathOfWay(
  step: unknown,
  kind: string | undefined,
  position: number,
): { path: JSONPath; whole: boolean } | null {
  if (!isObject(step)) return null;
  if (kind === "next") {
    const written = Array.isArray(step.next) && position < step.next.length;
    return { path: written ? ["next", position, "nextStepId"] : ["next"], whole: !written };
  }
  const failures = [...waysIn(step)].filter(([path]) => path[0] === "onFailure");
  const found = failures[position];
  return kind === "failure" && found !== undefined ? { path: found[0], whole: false } : null;
}

/** A copy with other ids, also where its own ways name them. */
function renamed(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((each) => renamed(each, ids));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const names = (key === "stepId" || key === "nextStepId") && typeof each === "string";
      // Arguments belong to the author: what is called stepId in them is none.
      return [key, names ? (ids.get(each) ?? each) : key === "arguments" ? each : renamed(each, ids)];
    }),
  );
}

function startsWith(path: JSONPath, prefix: JSONPath): boolean {
  return prefix.every((part, index) => path[index] === part);
}
