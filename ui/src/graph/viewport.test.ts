import { layoutOf } from "src/graph/layout";
import { focusOf, viewportOf } from "src/graph/viewport";
import { edge, graph, node, view } from "src/testing/samples";
import { expect, test } from "vitest";

const IDS = Array.from({ length: 30 }, (_, index) => `s${index}`);
const LONG = layoutOf(
  graph(
    [node(".start", { kind: "start" }), ...IDS.map((id) => node(id))],
    IDS.map((id, index) => edge(IDS[index - 1] ?? ".start", id)),
  ),
);
const ROOM = { width: 600, height: 400 };

/** Where a node stands in the room, from its top. */
function at(id: string, focus: string | null): number {
  const { y, zoom } = viewportOf(LONG, ROOM, focus);
  const box = LONG.nodes.find((each) => each.node.id === id)?.box;
  return y + (box?.y ?? Number.NaN) * zoom;
}

test("a long graph opens at its start, or at the step that is looked for", () => {
  expect(at(".start", null)).toBeGreaterThanOrEqual(0);
  expect(at(".start", null)).toBeLessThan(50);
  expect(at(".start", "unknown")).toBe(at(".start", null));
  expect(at("s15", "s15")).toBeGreaterThan(100);
  expect(at("s15", "s15")).toBeLessThan(300);
  expect(at("s29", "s29")).toBeLessThan(400);
});

test("a wide graph opens at its start too", () => {
  const targets = IDS.slice(0, 12);
  const wide = layoutOf(
    graph(
      [node(".start", { kind: "start" }), node("ask"), ...targets.map((id) => node(id)), node("far")],
      [edge(".start", "ask"), ...targets.map((id) => edge("ask", id)), edge("s11", "far")],
    ),
  );
  const { x, zoom } = viewportOf(wide, ROOM, null);
  const box = wide.nodes[0]?.box ?? { x: 0, width: 0 };
  expect(x + box.x * zoom).toBeGreaterThanOrEqual(0);
  expect(x + (box.x + box.width) * zoom).toBeLessThanOrEqual(ROOM.width);
});

test("what fits is shown whole, in the middle", () => {
  const small = layoutOf(graph([node("a"), node("b")], [edge("a", "b")]));
  const { x, y, zoom } = viewportOf(small, ROOM, "b");
  expect([zoom, 2 * x + small.width, 2 * y + small.height]).toEqual([1, ROOM.width, ROOM.height]);
});

test.each([
  ["running", "pay"],
  ["suspended", "pay"],
  ["failed", "pay"],
  ["completed", null],
] as const)("an instance that is %s is shown at %s", (status, focus) => {
  expect(focusOf(view({ status, currentStepId: "pay" }))).toBe(focus);
});

test("a definition alone is shown at its start", () => {
  expect(focusOf(null)).toBeNull();
});
