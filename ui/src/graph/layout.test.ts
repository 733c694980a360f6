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

const centre = ({ x, width }: Box) => x + width / 2;
const rising = (values: readonly number[]) =>
  values.every((value, index) => value > (values[index - 1] ?? -1));
const BRANCHES = ["third", "first", "second", "a", "z"];

test.each([
  ["branches", 1],
  ["branches of a large graph", 40],
])("%s stand from left to right in the order of the definition", (_, behind) => {
  const after = Array.from({ length: behind * 3 }, (__, index) => `s${index}`);
  const { nodes, groups } = layoutOf(
    graph(
      [
        node(".start", { kind: "start" }),
        node("par", { kind: "parallel" }),
        ...BRANCHES.flatMap((id, index) =>
          [id, `${id}2`].slice(0, 1 + (index % 2)).map((each) => node(each, { group: `par/${id}` })),
        ),
        node("par.join", { kind: "join" }),
        ...after.map((id) => node(id)),
      ],
      [
        edge(".start", "par"),
        ...BRANCHES.flatMap((id, index) => {
          const last = index % 2 === 0 ? id : `${id}2`;
          return [
            edge("par", id, { kind: "fork", label: id }),
            ...(last === id ? [] : [edge(id, last)]),
            edge(last, "par.join"),
          ];
        }),
        ...after.map((id, index) => edge(after[index - 1] ?? "par.join", id)),
      ],
      BRANCHES.map((name) => ({ id: `par/${name}`, kind: "branch" as const, name, stepId: "par" })),
    ),
  );
  expect(rising(groups.map(({ box }) => centre(box)))).toBe(true);
  for (const { group, box } of groups) {
    for (const other of groups) if (other.group.id !== group.id) expect(apart(box, other.box)).toBe(true);
    for (const each of nodes) if (each.node.group === group.id) expect(inside(each.box, box)).toBe(true);
  }
});

test.each([
  ["to a step each", ["a", "b", "c", "d"]],
  ["of a large graph", Array.from({ length: 130 }, (_, index) => `s${index}`)],
  ["of which some lead to the same step", ["a", "a", "b", "b"]],
  ["of which one leads past the others", ["a", "b", "c", "end"]],
  ["of which the first leads past the others", ["end", "a", "b", "c"]],
])("ways %s leave a step in the order of the definition, with their labels", (_, targets) => {
  const steps = [...new Set(targets)].filter((id) => id !== "end");
  const ways = targets.map((target, index) =>
    edge("ask", target, { id: `ask/${index}`, label: `way ${index}` }),
  );
  const { edges } = layoutOf(
    graph(
      [
        node("start", { kind: "start" }),
        node("ask"),
        ...steps.map((id) => node(id)),
        node("end", { kind: "end" }),
      ],
      [edge("start", "ask"), ...ways, ...steps.map((id) => edge(id, "end"))],
    ),
  );
  const labels = edges
    .filter(({ edge: { source } }) => source === "ask")
    .map(({ label }) => label?.at.x ?? -1);
  expect(rising(labels)).toBe(true);
});

test("the order of the definition yields where it would cross ways", () => {
  // Two steps with the same two targets, named in opposite orders: one of them has to give way, and nothing crosses more.
  const both = (source: string, targets: readonly string[]) =>
    targets.map((target) => edge(source, target, { label: target }));
  const { nodes } = layoutOf(
    graph(
      [node("top"), ...["a", "b", "x", "y", "low"].map((id) => node(id))],
      [...both("top", ["a", "b"]), edge("a", "x"), edge("b", "y"), ...both("x", ["low"]), edge("y", "low")],
    ),
  );
  const at = new Map(nodes.map(({ node: { id }, box }) => [id, centre(box)]));
  expect((at.get("a") ?? 0) < (at.get("b") ?? 0)).toBe((at.get("x") ?? 0) < (at.get("y") ?? 0));
});

test("the start is above everything: loops, and handlers that no way leads to", () => {
  const { nodes } = layoutOf(
    graph(
      [
        node("start", { kind: "start" }),
        node("work"),
        node("onFailure", { kind: "onFailure" }),
        ...["tidy", "tell", "log"].map((id) => node(id)),
        node("end", { kind: "end" }),
      ],
      [
        edge("start", "work"),
        edge("work", "work", { id: "again", back: true }),
        edge("work", "end"),
        edge("onFailure", "tidy"),
        edge("tidy", "tell"),
        edge("tell", "log"),
        edge("log", "tidy", { back: true }),
        edge("log", "end"),
      ],
    ),
  );
  const [start, ...others] = nodes.map(({ box }) => box.y);
  for (const other of others) expect(other).toBeGreaterThan(start ?? 0);
});

test("a way back is drawn from the step that decides, upwards", () => {
  const { edges } = layoutOf(
    graph(
      [node("a"), node("b"), node("c")],
      [edge("a", "b"), edge("b", "c"), edge("c", "a", { back: true })],
    ),
  );
  const points = edges.find(({ edge: { back } }) => back)?.points ?? [];
  expect(points[0]?.y).toBeGreaterThan(points.at(-1)?.y ?? 0);
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
