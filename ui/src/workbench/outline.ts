// Where the steps of a document stand in its text, also while it is being typed.

import { getNodeValue, type JSONPath, type Node, type ParseError, parseTree } from "jsonc-parser";

export type { JSONPath };
export type Place = {
  stepId: string;
  path: JSONPath;
  from: number;
  to: number;
};
export type Outline = {
  /** What could be read. */
  document: unknown;
  /** Whether that is all: the text is JSON. */
  whole: boolean;
  /** The steps, each before those inside it. */
  places: readonly Place[];
};

/** Read a text. */
export function outlineOf(text: string): Outline {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true });
  if (root === undefined) return { document: undefined, whole: false, places: [] };
  return {
    document: getNodeValue(root),
    whole: errors.length === 0,
    places: inList(member(root, "steps"), ["steps"]),
  };
}

/** The step that a place in the text is part of: the innermost; null outside of all steps. */
export function stepAt({ places }: Outline, offset: number): Place | null {
  return places.findLast(({ from, to }) => from <= offset && offset <= to) ?? null;
}

/** The place of a step. */
export function placeOf({ places }: Outline, stepId: string): Place | null {
  return places.find((each) => each.stepId === stepId) ?? null;
}

/** The path of the list that a step is in. */
export function listOf({ path }: Place): JSONPath {
  return path.slice(0, -1);
}

/** The steps that a way of a step may lead to: those of its list. */
export function siblings({ places }: Outline, place: Place): string[] {
  const list = JSON.stringify(listOf(place));
  return places.filter((each) => JSON.stringify(listOf(each)) === list).map(({ stepId }) => stepId);
}

/** The value at a path of a document; undefined where there is none. */
export function valueAt(document: unknown, path: JSONPath): unknown {
  let found = document;
  for (const part of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<string | number, unknown>)[part];
  }
  return found;
}

function inList(list: Node | undefined, path: JSONPath): Place[] {
  if (list?.type !== "array") return [];
  return (list.children ?? []).flatMap((step, index) => {
    const here = [...path, index];
    const stepId = member(step, "stepId")?.value;
    const own: Place[] =
      typeof stepId === "string"
        ? [{ stepId, path: here, from: step.offset, to: step.offset + step.length }]
        : [];
    const branches = member(step, "parallelBranches");
    const inBranches = (branches?.type === "array" ? (branches.children ?? []) : []).flatMap(
      (branch, number) => inList(member(branch, "steps"), [...here, "parallelBranches", number, "steps"]),
    );
    const each = member(step, "forEach");
    const inItems = each === undefined ? [] : inList(member(each, "steps"), [...here, "forEach", "steps"]);
    return [...own, ...inBranches, ...inItems];
  });
}

function member(node: Node, name: string): Node | undefined {
  if (node.type !== "object") return undefined;
  return node.children?.find(({ children }) => children?.[0]?.value === name)?.children?.[1];
}
