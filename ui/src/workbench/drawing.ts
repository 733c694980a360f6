// The graph of a document that is being typed, drawn at once and without a server: the same as views/drawing.py draws of
// one that is published (drawings.json holds what that draws of the examples).

import type { DefinitionGraph, GraphEdge, GraphNode } from "src/api/schema.gen";
import { ON_FAILURE } from "src/graph/states";
import { t } from "src/texts";
import { cycles, reachable, stepsAt, transitionsOf } from "src/workbench/flow";
import { END, everyStep, FAIL, type Shape, type Step, shapeOf, type Target } from "src/workbench/shape";

const START_NODE = ".start";
const END_NODE = ".end";
const FAIL_NODE = ".fail";
const ON_FAILURE_NODE = ".onFailure";

/** The graph of a document, as far as it can be read: what leads to no step that exists is left out. */
export function drawn(document: unknown): DefinitionGraph {
  return new Artist(shapeOf(document)).drawing();
}

type Way = Target & { id: string; kind: GraphEdge["kind"] };

class Artist {
  private readonly nodes = new Map<string, GraphNode>();
  private readonly edges: GraphEdge[] = [];
  private readonly kinds = new Set<string>();
  private readonly groups = new Map<string, DefinitionGraph["groups"][number]>();
  private readonly known: ReadonlySet<string>;

  constructor(private readonly shape: Shape) {
    this.known = new Set(everyStep(shape.steps).map(({ stepId }) => stepId));
  }

  drawing(): DefinitionGraph {
    const { steps, handlers, workflowId, version } = this.shape;
    this.node(START_NODE, "start", "Start");
    const first = steps[0]?.stepId;
    if (first !== undefined)
      this.edge(START_NODE, first, { id: START_NODE, kind: "next", to: first, label: "", otherwise: false });
    this.list(steps, null, END_NODE);
    if (handlers !== null) {
      this.node(ON_FAILURE_NODE, "onFailure", t("graph.unhandled"));
      for (const way of failures(ON_FAILURE, handlers)) this.way(ON_FAILURE_NODE, way, END_NODE, null, false);
    }
    const targets = new Set(this.edges.map(({ target }) => target));
    this.node(END_NODE, "end", "End");
    if (targets.has(FAIL_NODE)) this.node(FAIL_NODE, "fail", "Fail");
    return {
      workflowId,
      version,
      revision: 0,
      nodes: [...this.nodes.values()],
      edges: this.edges.filter(({ target }) => this.nodes.has(target)),
      groups: [...this.groups.values()],
    };
  }

  private list(steps: readonly Step[], group: string | null, end: string): void {
    const ofWorkflow = group === null ? this.shape.handlers : null;
    const next = transitionsOf(steps, stepsAt(ofWorkflow ?? []));
    const loops = loopsOf(steps, next, ofWorkflow);
    const rank = new Map(steps.map(({ stepId }, index) => [stepId, index]));
    for (const step of steps) {
      if (this.nodes.has(step.stepId)) continue;
      const loop = loops.get(step.stepId);
      const from = this.step(step, group, loop !== undefined);
      const ways: Way[] = (next.get(step.stepId) ?? []).map((each, index) => ({
        ...each,
        id: `${step.stepId}/next/${index}`,
        kind: "next",
      }));
      for (const way of [...ways, ...failures(step.stepId, step.handlers)]) {
        const cyclic = loop !== undefined && loops.get(way.to) === loop;
        const back = cyclic && (rank.get(way.to) ?? 0) <= (rank.get(step.stepId) ?? 0);
        this.way(from, way, end, step.stepId, back);
      }
    }
  }

  /** Draw a step and what is inside it; returns the node that its ways leave from. */
  private step(step: Step, group: string | null, loop: boolean): string {
    const { stepId, compensation, inner } = step;
    const items = inner.some(({ kind }) => kind === "items");
    const kind = items ? "forEach" : inner.length > 0 ? "parallel" : "step";
    const about = { stepId, group, loop };
    this.node(stepId, kind, step.name, { ...about, taskId: step.task, description: step.description });
    if (compensation !== null) {
      const target = `${stepId}.compensation`;
      this.node(target, "compensation", compensation, { ...about, taskId: compensation });
      const id = `${stepId}/compensation/0`;
      this.edge(stepId, target, {
        id,
        kind: "compensation",
        to: target,
        label: t("graph.undo"),
        otherwise: false,
      });
    }
    if (inner.length === 0) return stepId;
    const join = `${stepId}.join`;
    for (const { name, kind: inside, steps } of inner) {
      const id = `${stepId}/${name}`;
      this.groups.set(id, { id, kind: inside, name, stepId, parent: group });
      const way = inside === "items" ? `${stepId}/items/0` : `${stepId}/branch/${name}`;
      const to = steps[0]?.stepId ?? join;
      this.edge(stepId, to, { id: way, kind: "fork", to, label: name, otherwise: false });
      this.list(steps, id, join);
    }
    this.node(join, "join", t("graph.allDone"), about);
    return join;
  }

  private node(id: string, kind: GraphNode["kind"], name: string, more: Partial<GraphNode> = {}): void {
    this.nodes.set(id, { id, kind, name, loop: false, asksPeople: false, ...more });
  }

  /** Inside a branch its end and its failure both lead to the join. */
  private way(source: string, way: Way, end: string, stepId: string | null, back: boolean): void {
    const reserved = way.to === END || way.to === FAIL;
    if (!reserved && !this.known.has(way.to)) return;
    const failing = way.to === FAIL && end === END_NODE ? FAIL_NODE : end;
    const target = reserved ? failing : way.to;
    this.edge(source, target, way, { stepId, decision: way.to, back });
  }

  private edge(source: string, target: string, way: Way, more: Partial<GraphEdge> = {}): void {
    const { id, kind, label, otherwise } = way;
    const edge = { source, target, kind, label, default: otherwise, back: false, ...more };
    const same = JSON.stringify(edge);
    if (this.kinds.has(same)) return;
    this.kinds.add(same);
    this.edges.push({ id, ...edge });
  }
}

function failures(source: string, handlers: readonly Target[]): Way[] {
  return handlers.map((each, index) => ({ ...each, id: `${source}/failure/${index}`, kind: "error" }));
}

/** The loop that each step of a list is part of; failures count, also those that the workflow handles. */
function loopsOf(
  steps: readonly Step[],
  next: ReadonlyMap<string, readonly Target[]>,
  ofWorkflow: readonly Target[] | null,
): Map<string, number> {
  const handlers = new Map(steps.map((step) => [step.stepId, stepsAt(step.handlers)]));
  const own = (node: string) => [...stepsAt(next.get(node) ?? []), ...(handlers.get(node) ?? [])];
  const first = steps[0];
  const normal = ofWorkflow !== null && first !== undefined ? reachable([first.stepId], own) : new Set();
  const follow = (node: string) =>
    node === ON_FAILURE
      ? stepsAt(ofWorkflow ?? [])
      : normal.has(node)
        ? [...own(node), ON_FAILURE]
        : own(node);
  const nodes = steps.map(({ stepId }) => stepId);
  return cycles(ofWorkflow === null ? nodes : [...nodes, ON_FAILURE], follow);
}
