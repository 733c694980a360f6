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
    edge("a", "b", { stepId: "a", decision: "b" }),
    edge("a", "b", { stepId: "a", decision: "b", kind: "error" }),
    edge("a", "a.compensation", { kind: "compensation" }),
    edge("b", ".end", { stepId: "b", decision: "end" }),
    edge(".onFailure", "b", { kind: "error", decision: "b" }),
  ],
);

function taken(found: InstanceView, index: number): number {
  return statesOf(GRAPH, found).taken(GRAPH.edges[index] as GraphEdge);
}

test("a definition alone has no states", () => {
  const states = statesOf(GRAPH, null);
  expect(states.node("a").status).toBeNull();
  expect(GRAPH.edges.map(states.taken)).toEqual([0, 0, 0, 0, 0, 0]);
});

test("nodes have the states of their steps, and ends that of the instance", () => {
  const found = view({
    status: "completed",
    steps: [
      step("a", { status: "completed", visits: 2 }),
      step("par", { status: "completed", completedAt: "2026-01-01T00:00:00Z" }),
    ],
    path: [{ source: "a", target: "b", count: 2 }],
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

test("where success and failure lead to the same step, the way that was taken is shown", () => {
  const path = [{ source: "a", target: "b", count: 1 }];
  const failed = view({ steps: [step("a", { status: "failed" })], path });
  expect([taken(failed, 1), taken(failed, 2)]).toEqual([0, 1]);
  const fine = view({ steps: [step("a", { status: "completed" })], path });
  expect([taken(fine, 1), taken(fine, 2)]).toEqual([1, 0]);
});

test("the workflow's handler and compensations show when they ran", () => {
  const found = view({
    status: "failed",
    steps: [step("a"), step("b", { status: "completed" })],
    path: [
      { source: "a", target: "fail.on_failure", count: 1 },
      { source: "b", target: "fail", count: 1 },
    ],
    timeline: { complete: true, spans: [span("a", { kind: "compensation", status: "failed" })] },
  });
  const states = statesOf(GRAPH, found);
  expect(states.node(".onFailure").status).toBe("failed");
  expect(states.node(".fail").status).toBe("failed");
  expect(states.node("a.compensation").status).toBe("failed");
  expect([taken(found, 3), taken(found, 5)]).toEqual([1, 1]);
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
