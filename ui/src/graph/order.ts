// Which node of a layer stands left of which: the ways of a step in the order of its definition, where that costs no
// crossings.

import type { graphlib } from "@dagrejs/dagre";
import type { DefinitionGraph } from "src/api/schema.gen";

type Constraint = { left: string; right: string };
type Ordering = (space: graphlib.Graph, options: { constraints?: Constraint[] }) => void;
/** A node of a layer; one with an `edgeObj` is the part of that edge which passes the layer. */
type InLayer = { rank?: number; order?: number; edgeObj?: { name?: string } };

/** How far from each other two ways are told apart: further ones are by those between them. */
const NEAR = 8;

/**
 * Order the layers of a graph, as `customOrder` of dagre does.
 *
 * Among orders with equally many crossings dagre takes the last that it finds, often the mirror image of the
 * definition. So it is asked three times: freely, with the branches in their order, and with all ways in their order.
 * The one with the fewest crossings is taken, and of several the one with the fewest ways out of order.
 *
 * @param quick ask once only, for a large graph: with the branches in their order
 */
export function inOrderOf(
  graph: DefinitionGraph,
  quick: boolean,
): (space: graphlib.Graph, order: Ordering) => void {
  return (space, order) => {
    const branches = byStep(graph.groups, ({ stepId }) => stepId).map((each) => each.map(({ id }) => id));
    const ofBranches = branches.flatMap(pairs);
    if (quick) {
      order(space, { constraints: ofBranches });
      return;
    }
    const ofWays = waysOf(graph, space).flatMap(pairs);
    const found = [[], ofBranches, [...ofBranches, ...ofWays]].map((constraints) => {
      order(space, { constraints });
      const places = placesOf(space);
      return { places, crossings: crossingsOf(space, places), wrong: wrongOf(ofWays, places) };
    });
    found.sort((one, other) => one.crossings - other.crossings || one.wrong - other.wrong);
    for (const [id, place] of found[0]?.places ?? []) (space.node(id) as InLayer).order = place;
  };
}

/** The nodes of the layer below each step through which its ways leave it, in the order of the definition. */
function waysOf(graph: DefinitionGraph, space: graphlib.Graph): string[][] {
  const first = new Map<string, { id: string; rank: number }>();
  for (const id of space.nodes()) {
    const { rank = 0, edgeObj } = space.node(id) as InLayer;
    const name = edgeObj?.name;
    if (name !== undefined && rank < (first.get(name)?.rank ?? Number.POSITIVE_INFINITY))
      first.set(name, { id, rank });
  }
  const forward = graph.edges.filter(({ back }) => !back);
  return byStep(forward, ({ source }) => source).map((edges) =>
    edges.flatMap(({ id }) => first.get(id)?.id ?? []),
  );
}

function byStep<Each>(all: readonly Each[], stepOf: (each: Each) => string): Each[][] {
  const found = new Map<string, Each[]>();
  for (const each of all) found.set(stepOf(each), [...(found.get(stepOf(each)) ?? []), each]);
  return [...found.values()];
}

function pairs(ids: readonly string[]): Constraint[] {
  return ids.flatMap((left, index) =>
    ids.slice(index + 1, index + 1 + NEAR).map((right) => ({ left, right })),
  );
}

function placesOf(space: graphlib.Graph): Map<string, number> {
  const found = new Map<string, number>();
  for (const id of space.nodes()) {
    const { order } = space.node(id) as InLayer;
    if (order !== undefined) found.set(id, order);
  }
  return found;
}

function wrongOf(wanted: readonly Constraint[], places: ReadonlyMap<string, number>): number {
  return wanted.filter(({ left, right }) => (places.get(left) ?? 0) > (places.get(right) ?? 0)).length;
}

function crossingsOf(space: graphlib.Graph, places: ReadonlyMap<string, number>): number {
  const layers = new Map<number, [number, number][]>();
  for (const { v, w } of space.edges()) {
    const { rank = 0 } = space.node(v) as InLayer;
    layers.set(rank, [...(layers.get(rank) ?? []), [places.get(v) ?? 0, places.get(w) ?? 0]]);
  }
  let count = 0;
  for (const lines of layers.values())
    lines.forEach(([from, to], index) => {
      for (const [otherFrom, otherTo] of lines.slice(index + 1))
        if ((from - otherFrom) * (to - otherTo) < 0) count += 1;
    });
  return count;
}
