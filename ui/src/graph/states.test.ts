import type { DefinitionGraph, GraphEdge, InstanceView } from "src/api/schema.gen";
import { saidAround, statesOf } from "src/graph/states";
import { edge, graph, node, span, step, view } from "src/testing/samples";
import { expect, test } from "vitest";

const GRAPH: DefinitionGraph = graph(
  [
    node(".start", { kind: "start", stepId: null }),
    node("a"),
    node("a.compensation", { kind: "compensation", stepId: "a" }),
    node("b"),
    node("par", { kind: "parallel" }),
    node("par.join", { kind: "join", stepId: "par" }),
    node(".end", { kind: "end", stepId: null }),
    node(".fail", { kind: "fail", stepId: null }),
    node(".onFailure", { kind: "onFailure", stepId: null }),
  ],
  [
    edge(".start", "a"),
    edge("a", "b", { id: "a/next/0" }),
    edge("a", "b", { id: "a/failure/0", kind: "error", label: "Rejected" }),
    edge("a", "b", { id: "a/failure/1", kind: "error", label: "TimeoutError" }),
    edge("a", "a.compensation", { id: "a/compensation/0", kind: "compensation" }),
    edge("b", ".end", { id: "b/next/0" }),
    edge(".onFailure", "b", { id: "fail.on_failure/failure/0", kind: "error" }),
  ],
);

function taken(found: InstanceView, index: number): number {
  return statesOf(GRAPH, found).taken(GRAPH.edges[index] as GraphEdge);
}

test("a definition alone has no states", () => {
  const states = statesOf(GRAPH, null);
  expect(states.node("a").status).toBeNull();
  expect(GRAPH.edges.map(states.taken)).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

test("nodes have the states of their steps, and ends that of the instance", () => {
  const found = view({
    status: "completed",
    steps: [
      step("a", { status: "completed", visits: 2 }),
      step("par", { status: "completed", completedAt: "2026-01-01T00:00:00Z" }),
    ],
    path: [{ way: "a/next/0", source: "a", target: "b", count: 2 }],
  });
  const states = statesOf(GRAPH, found);
  expect(states.node("a")).toMatchObject({ status: "completed", visits: 2 });
  expect(states.node("b").status).toBeNull();
  expect(states.node(".end").status).toBe("completed");
  expect(states.node(".fail").status).toBeNull();
  expect(states.node("par.join").status).toBe("completed");
  expect(taken(found, 0)).toBe(1);
  expect(taken(found, 1)).toBe(2);
});

test.each([
  ["a/next/0", [1, 0, 0]],
  ["a/failure/0", [0, 1, 0]],
  ["a/failure/1", [0, 0, 1]],
])("of several ways to one step only the one that was taken counts: %s", (way, expected) => {
  const found = view({ path: [{ way, source: "a", target: "b", count: 1 }] });
  expect([taken(found, 1), taken(found, 2), taken(found, 3)]).toEqual(expected);
});

test("a way that led to the end and to a failure is counted as one", () => {
  const path = [
    { way: "b/next/0", source: "b", target: "end", count: 1 },
    { way: "b/next/0", source: "b", target: "fail", count: 2 },
    { way: null, source: "a", target: "fail.on_failure", count: 1 },
  ];
  expect(GRAPH.edges.map(statesOf(GRAPH, view({ path })).taken)).toEqual([0, 0, 0, 0, 0, 3, 0]);
});

test("the workflow's handler and compensations show when they ran", () => {
  const found = view({
    status: "failed",
    steps: [step("a"), step("b", { status: "completed" })],
    path: [
      { way: null, source: "a", target: "fail.on_failure", count: 1 },
      { way: "b/next/0", source: "b", target: "fail", count: 1 },
      { way: "a/compensation/0", source: "a", target: "a.compensation", count: 1 },
      { way: "fail.on_failure/failure/0", source: "fail.on_failure", target: "b", count: 1 },
    ],
    timeline: { complete: true, spans: [span("a", { kind: "compensation", status: "failed" })] },
  });
  const states = statesOf(GRAPH, found);
  expect(states.node(".onFailure").status).toBe("failed");
  expect(states.node(".fail").status).toBe("failed");
  expect(states.node("a.compensation").status).toBe("failed");
  expect([taken(found, 4), taken(found, 6)]).toEqual([1, 1]);
});

test("what colours and signs tell is said too", () => {
  const state = { status: "running", visits: 3, step: null };
  expect(saidAround(node("a", { loop: true }), state)).toEqual({
    before: "Step ",
    after: ", running, 3 visits, in a loop",
  });
  const parallel = node("p", { kind: "parallel" });
  expect(saidAround(parallel, { status: null, visits: 0, step: null })).toEqual({
    before: "Step with branches ",
    after: "",
  });
});
