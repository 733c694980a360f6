import { type Box, layoutOf, pathThrough, shortLabel } from "src/graph/layout";
import { edge, graph, node } from "src/testing/samples";
import { expect, test } from "vitest";

function apart(one: Box, other: Box): boolean {
  return (
    one.x + one.width <= other.x ||
    other.x + other.width <= one.x ||
    one.y + one.height <= other.y ||
    other.y + other.height <= one.y
  );
}

function inside(one: Box, outer: Box): boolean {
  return (
    one.x >= outer.x &&
    one.y >= outer.y &&
    one.x + one.width <= outer.x + outer.width &&
    one.y + one.height <= outer.y + outer.height
  );
}

test("steps stand below those that lead to them, and none overlaps another", () => {
  const ids = Array.from({ length: 60 }, (_, index) => `s${index}`);
  const edges = ids
    .slice(1)
    .flatMap((id, index) => [
      edge(`s${index}`, id, { label: "data.amount > 1000 && data.customer.country == 'DE'" }),
      ...(index % 7 === 0 ? [edge(`s${index}`, ids[index + 3] ?? "s59", { kind: "error" })] : []),
      ...(index % 11 === 10 ? [edge(`s${index}`, `s${index - 5}`, { back: true })] : []),
    ]);
  const { nodes, width, height } = layoutOf(
    graph(
      ids.map((id) => node(id)),
      edges,
    ),
  );
  for (const [index, one] of nodes.entries()) {
    expect(inside(one.box, { x: 0, y: 0, width, height })).toBe(true);
    for (const other of nodes.slice(index + 1)) expect(apart(one.box, other.box)).toBe(true);
  }
  expect(nodes.every((each, index) => index === 0 || each.box.y > (nodes[index - 1]?.box.y ?? 0))).toBe(true);
});

test("a branch is a box around its steps, and a nested one lies within the outer", () => {
  const { nodes, groups } = layoutOf(
    graph(
      [
        node("par", { kind: "parallel" }),
        node("a", { group: "par/one" }),
        node("deep", { group: "a/deep" }),
        node("b", { group: "par/two" }),
        node("par.join", { kind: "join" }),
      ],
      [
        edge("par", "a", { kind: "fork", label: "one" }),
        edge("a", "deep", { kind: "fork", label: "deep" }),
        edge("par", "b", { kind: "fork", label: "two" }),
        edge("deep", "par.join"),
        edge("b", "par.join"),
        edge("par", "par.join", { kind: "fork", label: "empty" }),
      ],
      [
        { id: "par/one", kind: "branch", name: "one", stepId: "par" },
        { id: "par/two", kind: "branch", name: "two", stepId: "par" },
        { id: "a/deep", kind: "branch", name: "deep", stepId: "a", parent: "par/one" },
        { id: "par/empty", kind: "branch", name: "empty", stepId: "par" },
      ],
    ),
  );
  const boxes = new Map(groups.map(({ group, box }) => [group.id, box]));
  expect([...boxes.keys()]).toEqual(["par/one", "par/two", "a/deep"]);
  const box = (id: string) => boxes.get(id) as Box;
  for (const each of nodes) {
    if (each.node.group) expect(inside(each.box, box(each.node.group))).toBe(true);
    else for (const outer of boxes.values()) expect(apart(each.box, outer)).toBe(true);
  }
  expect(inside(box("a/deep"), box("par/one"))).toBe(true);
  expect(apart(box("par/one"), box("par/two"))).toBe(true);
  expect(groups.map(({ depth }) => depth)).toEqual([0, 0, 1]);
});

test("loops, ways to oneself and several ways between two nodes are all drawn", () => {
  const edges = [
    edge("a", "b", { label: "data.x" }),
    edge("a", "b", { kind: "error", label: "Timeout" }),
    edge("b", "a", { back: true }),
    edge("b", "b", { back: true, label: "again" }),
  ];
  const found = layoutOf(graph([node("a"), node("b")], edges)).edges;
  expect(found).toHaveLength(4);
  for (const { points } of found) {
    expect(points.length).toBeGreaterThan(1);
    expect(points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true);
  }
  expect(found.map(({ label }) => label?.text)).toEqual(["data.x", "Timeout", undefined, "again"]);
});

test("500 steps are placed in a time that does not grow with their square", () => {
  const ids = Array.from({ length: 500 }, (_, index) => `s${index}`);
  const edges = ids.slice(1).map((id, index) => edge(`s${index}`, id));
  const begun = performance.now();
  expect(
    layoutOf(
      graph(
        ids.map((id) => node(id)),
        edges,
      ),
    ).nodes,
  ).toHaveLength(500);
  expect(performance.now() - begun).toBeLessThan(5000);
});

test("labels are short, in one line", () => {
  expect(shortLabel("  data.x\n > 1 ")).toBe("data.x > 1");
  expect(shortLabel("x".repeat(100))).toHaveLength(30);
});

test("a path goes through its ends", () => {
  expect(pathThrough([])).toBe("");
  expect(pathThrough([{ x: 0, y: 0 }])).toBe("");
  expect(
    pathThrough([
      { x: 0, y: 0 },
      { x: 1, y: 2.04 },
    ]),
  ).toBe("M0,0L1,2");
  expect(
    pathThrough([
      { x: 0, y: 0 },
      { x: 1, y: 1 },
      { x: 2, y: 0 },
    ]),
  ).toBe("M0,0Q1,1 2,0");
  expect(
    pathThrough([
      { x: 0, y: 0 },
      { x: 2, y: 2 },
      { x: 4, y: 2 },
      { x: 6, y: 0 },
    ]),
  ).toBe("M0,0Q2,2 3,2Q4,2 6,0");
});
