// What the run of an instance means to the nodes and edges of its definition's graph.

import type { DefinitionGraph, GraphEdge, GraphNode, InstanceView, StepState } from "src/api/schema.gen";
import { statusName, type TextKey, t } from "src/texts";

/** As `next` of a step names the workflow's own handler. */
export const ON_FAILURE = "fail.on_failure";

export type NodeState = {
  /** A status of a step; null for what was not reached. */
  status: string | null;
  visits: number;
  step: StepState | null;
};

export type GraphStates = {
  node: (id: string) => NodeState;
  /** How often an edge was taken. */
  taken: (edge: GraphEdge) => number;
};

const UNTOUCHED: NodeState = { status: null, visits: 0, step: null };

/** What the graph needs of a run. */
export type RunView = Pick<InstanceView, "status" | "currentStepId" | "steps" | "path" | "timeline">;

/** The states of nodes and edges; those of a definition alone when there is no instance. */
export function statesOf(graph: DefinitionGraph, view: RunView | null): GraphStates {
  if (view === null) return { node: () => UNTOUCHED, taken: () => 0 };
  const steps = new Map(view.steps.map((step) => [step.stepId, step]));
  const counts = new Map<string, number>();
  for (const { way, count } of view.path) if (way) counts.set(way, (counts.get(way) ?? 0) + count);
  const undone = new Map<string, string>();
  for (const span of view.timeline.spans)
    if (span.kind === "compensation") undone.set(span.stepId, span.status);
  const handled = view.path.some(({ target }) => target === ON_FAILURE);
  const nodes = new Map(graph.nodes.map((node) => [node.id, stateOf(node)]));

  function stateOf(node: GraphNode): NodeState {
    const step = node.stepId ? (steps.get(node.stepId) ?? null) : null;
    switch (node.kind) {
      case "start":
        return { status: "completed", visits: 1, step: null };
      case "end":
        return view?.status === "completed" ? { status: "completed", visits: 1, step: null } : UNTOUCHED;
      case "fail":
        return view?.status === "failed" && reached("fail")
          ? { status: "failed", visits: 1, step: null }
          : UNTOUCHED;
      case "onFailure":
        return handled ? { status: "failed", visits: 1, step: null } : UNTOUCHED;
      case "compensation": {
        const status = undone.get(node.stepId ?? "") ?? null;
        return { status, visits: status === null ? 0 : 1, step };
      }
      case "join":
        return step?.completedAt ? { status: step.status, visits: step.visits, step } : UNTOUCHED;
      default:
        return step === null ? UNTOUCHED : { status: step.status, visits: step.visits, step };
    }
  }

  function reached(target: string): boolean {
    return view?.path.some((edge) => edge.target === target) ?? false;
  }

  function taken({ id, source, target }: GraphEdge): number {
    if (source === ".start") return (nodes.get(target) ?? UNTOUCHED).visits > 0 ? 1 : 0;
    return counts.get(id) ?? 0;
  }

  return { node: (id) => nodes.get(id) ?? UNTOUCHED, taken };
}

const KINDS: Partial<Record<GraphNode["kind"], TextKey>> = {
  parallel: "graph.parallel",
  forEach: "graph.forEach",
  compensation: "graph.compensation",
};

/** What is said before and behind the name and the task of a node, for whoever cannot see how it looks. */
export function saidAround(node: GraphNode, state: NodeState): { before: string; after: string } {
  const after = [
    state.status === null ? "" : statusName(state.status),
    state.visits > 1 ? t("graph.visits", { count: state.visits }) : "",
    node.loop ? t("graph.loop") : "",
  ];
  return {
    before: `${t(KINDS[node.kind] ?? "graph.step")} `,
    after: after
      .filter(Boolean)
      .map((each) => `, ${each}`)
      .join(""),
  };
}
