// Where the nodes of a definition stand: computed once for each revision, the same for every instance of it.

import * as dagre from "@dagrejs/dagre";
import type { DefinitionGraph, GraphEdge, GraphGroup, GraphNode } from "src/api/schema.gen";
import { inOrderOf } from "src/graph/order";

export type Point = { x: number; y: number };
export type Box = Point & { width: number; height: number };
/** Left upper corner and size, in pixels. */
export type PlacedNode = { node: GraphNode; box: Box };
export type PlacedGroup = { group: GraphGroup; box: Box; depth: number };
export type PlacedEdge = {
  id: string;
  edge: GraphEdge;
  /** From the border of the source to that of the target. */
  points: Point[];
  label: { text: string; at: Point } | null;
};
export type Layout = {
  nodes: PlacedNode[];
  groups: PlacedGroup[];
  edges: PlacedEdge[];
  width: number;
  height: number;
};

export const STEP_SIZE = { width: 184, height: 52 };
const SIZES: Partial<Record<GraphNode["kind"], { width: number; height: number }>> = {
  start: { width: 60, height: 26 },
  end: { width: 60, height: 26 },
  fail: { width: 60, height: 26 },
  join: { width: 20, height: 20 },
  compensation: { width: 150, height: 36 },
};
const GROUP_TITLE = 22;
const LABEL_LENGTH = 30;
const CHARACTER = 6;
const MARGIN = 16;
const LOOP = 30;
const LARGE = 120;

/** A label that fits beside its edge; the whole of it is shown on hover. */
export function shortLabel(label: string): string {
  const line = label.replace(/\s+/g, " ").trim();
  return line.length <= LABEL_LENGTH ? line : `${line.slice(0, LABEL_LENGTH - 1)}…`;
}

/** Whether placing a graph takes long enough to be noticed. */
export function isLarge(graph: DefinitionGraph): boolean {
  return graph.nodes.length > LARGE;
}

/** Place nodes, groups and edges from top to bottom. */
export function layoutOf(graph: DefinitionGraph): Layout {
  const space = new dagre.graphlib.Graph({ compound: true, multigraph: true });
  const ranker = isLarge(graph) ? "tight-tree" : "network-simplex";
  const room = { nodesep: 36, edgesep: 14, ranksep: 44, marginx: MARGIN, marginy: MARGIN };
  space.setGraph({ rankdir: "TB", ranker, ...room });
  for (const node of graph.nodes) space.setNode(node.id, { ...(SIZES[node.kind] ?? STEP_SIZE) });
  for (const group of graph.groups) space.setNode(group.id, {});
  for (const { id, parent } of graph.groups) if (parent) space.setParent(id, parent);
  for (const { id, group } of graph.nodes) if (group) space.setParent(id, group);
  const starts = new Set(graph.nodes.filter(({ kind }) => kind === "start").map(({ id }) => id));
  const reached = new Set([...starts, ...graph.edges.filter(isDown).map(({ target }) => target)]);
  for (const edge of graph.edges) {
    const text = labelOf(edge);
    const label =
      text === "" ? {} : { width: text.length * CHARACTER + 10, height: 18, labelpos: "c" as const };
    // What goes on straight is drawn straight; handlers and loops bend around it.
    const weight = edge.kind === "next" && !edge.back ? 4 : 1;
    space.setEdge(...endsOf(edge), { weight, ...label }, edge.id);
  }
  // The start is on top of everything, also of what no way leads to, such as a handler of failures.
  for (const { id, group } of graph.nodes)
    if (!reached.has(id) && !group) for (const start of starts) space.setEdge(start, id, { weight: 0.01 });
  // Of a large graph without branches the order of the first attempt is taken, which is that of the definition: it is
  // found in half the time. It would not keep branches apart.
  const first = isLarge(graph) && graph.groups.length === 0;
  const customOrder = inOrderOf(graph, isLarge(graph));
  dagre.layout(space, first ? { disableOptimalOrderHeuristic: true } : { customOrder });
  return placed(graph, space);
}

/** Whether an edge leads downwards: it goes back in no loop. */
function isDown({ source, target, back }: GraphEdge): boolean {
  return !back && source !== target;
}

/** The nodes that an edge joins, the upper one first: what goes back does not lift its target above the start. */
function endsOf({ source, target, back }: GraphEdge): [string, string] {
  return back ? [target, source] : [source, target];
}

/** What stands beside an edge; a fork's name stands on the group that it leads to. */
function labelOf(edge: GraphEdge): string {
  return edge.kind === "fork" ? "" : shortLabel(edge.label ?? "");
}

function placed(graph: DefinitionGraph, space: dagre.graphlib.Graph): Layout {
  const box = (id: string, above = 0): Box => {
    const { x, y, width, height } = space.node(id) as Box;
    return { x: x - width / 2, y: y - height / 2 - above, width, height: height + above };
  };
  const depth = depths(graph.groups);
  const empty = new Set(graph.groups.map(({ id }) => id));
  for (const { group } of graph.nodes) if (group) empty.delete(group);
  for (const { parent } of graph.groups) if (parent) empty.delete(parent);
  const edges = graph.edges.map((edge) => {
    const found = space.edge(...endsOf(edge), edge.id) as { points: Point[] } & Point;
    const text = labelOf(edge);
    if (edge.source === edge.target) return { id: edge.id, edge, ...aroundItself(box(edge.source), text) };
    const at = { x: found.x, y: found.y };
    const points = edge.back ? found.points.toReversed() : found.points;
    return { id: edge.id, edge, points, label: text === "" ? null : { text, at } };
  });
  const { width = 0, height = 0 } = space.graph() as { width?: number; height?: number };
  return {
    nodes: graph.nodes.map((node) => ({ node, box: box(node.id) })),
    groups: graph.groups
      .filter(({ id }) => !empty.has(id))
      .map((group) => ({ group, box: box(group.id, GROUP_TITLE), depth: depth.get(group.id) ?? 0 })),
    edges,
    width,
    height,
  };
}

/** A way from a node to itself, on its right. */
function aroundItself({ x, y, width, height }: Box, text: string): Pick<PlacedEdge, "points" | "label"> {
  const [inner, outer] = [x + width, x + width + LOOP];
  const points = [0.25, 0, 1, 0.75].map((share, index) => ({
    x: index === 0 || index === 3 ? inner : outer,
    y: y + height * share,
  }));
  return { points, label: text === "" ? null : { text, at: { x: outer, y: y + height / 2 } } };
}

function depths(groups: readonly GraphGroup[]): Map<string, number> {
  const parents = new Map(groups.map(({ id, parent }) => [id, parent]));
  const depth = (id: string | null | undefined): number => (id ? 1 + depth(parents.get(id)) : -1);
  return new Map(groups.map(({ id }) => [id, depth(id)]));
}

/** A smooth line through points, as the path of an SVG. */
export function pathThrough(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return "";
  let path = `M${at(first)}`;
  rest.slice(0, -1).forEach((point, index) => {
    const next = rest[index + 1] as Point;
    const isLast = index === rest.length - 2;
    const middle = isLast ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    path += `Q${at(point)} ${at(middle)}`;
  });
  return rest.length === 1 ? `${path}L${at(last)}` : path;
}

function at({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
}
