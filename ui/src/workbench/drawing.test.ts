import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { layoutOf } from "src/graph/layout";
import { drawn } from "src/workbench/drawing";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");

function read(file: string): unknown {
  return JSON.parse(readFileSync(resolve(ROOT, file), "utf8"));
}

type Parts = { nodes: object[]; edges: object[]; groups: object[] };
const DRAWINGS = read("ui/src/testing/drawings.json") as ({ file: string } & Record<keyof Parts, unknown>)[];

/** As the file has it: names as in Python, and without what says nothing. */
function plain(parts: Parts): Parts {
  const bare = (each: object) =>
    Object.fromEntries(
      Object.entries(each)
        .filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "")
        .map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
    );
  return { nodes: parts.nodes.map(bare), edges: parts.edges.map(bare), groups: parts.groups.map(bare) };
}

test.each(DRAWINGS)("$file is drawn as the server draws it", ({ file, nodes, edges, groups }) => {
  const found = read(file) as Record<string, unknown>;
  expect(plain(drawn(found.definition ?? found))).toEqual({ nodes, edges, groups });
});

test("there is something of everything among them", () => {
  const kinds = DRAWINGS.flatMap((each) => (each.edges as Record<string, unknown>[]).map(({ kind }) => kind));
  expect(new Set(kinds)).toEqual(new Set(["next", "error", "compensation", "fork"]));
  expect(DRAWINGS.filter(({ edges }) => JSON.stringify(edges).includes('"back":true'))).not.toEqual([]);
  expect(DRAWINGS.length).toBeGreaterThan(30);
});

test.each([
  null,
  [],
  "text",
  { steps: "none" },
  { steps: [null, 1, {}, { stepId: 1 }, { stepId: "a" }] },
  { steps: [{ stepId: "a" }, { stepId: "a", next: [{ nextStepId: "nowhere" }, 1, null, {}] }] },
  {
    steps: [{ stepId: "a", parallelBranches: [{ branchId: "b" }, {}, 3], forEach: [], taskId: { oneOf: 1 } }],
  },
  {
    steps: [{ stepId: "a", onFailure: { errorHandler: { conditions: [{ nextStepId: "x" }] } } }],
    onFailure: {},
  },
])("%j is drawn as far as it can be read", (document) => {
  const graph = drawn(document);
  const ids = graph.nodes.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { source, target } of graph.edges) expect(ids).toEqual(expect.arrayContaining([source, target]));
  expect(layoutOf(graph).nodes).toHaveLength(ids.length);
});

test("a thousand steps are drawn while somebody types", () => {
  const steps = Array.from({ length: 1000 }, (_, index) => ({ stepId: `s${index}`, taskId: "noop" }));
  expect(drawn({ steps }).edges).toHaveLength(1001);
});
