// Small answers of the API, for tests.

import type {
  DefinitionGraph,
  GraphEdge,
  GraphNode,
  InstanceView,
  StepState,
  TimelineSpan,
} from "src/api/schema.gen";

export const START = "2026-01-01T10:00:00Z";

export function node(id: string, more: Partial<GraphNode> = {}): GraphNode {
  return { id, kind: "step", name: id, stepId: id, loop: false, asksPeople: false, ...more };
}

export function edge(source: string, target: string, more: Partial<GraphEdge> = {}): GraphEdge {
  return {
    id: `${source}/next/${target}`,
    source,
    target,
    kind: "next",
    label: "",
    default: false,
    back: false,
    ...more,
  };
}

export function graph(
  nodes: GraphNode[],
  edges: GraphEdge[],
  groups: DefinitionGraph["groups"] = [],
): DefinitionGraph {
  return { workflowId: "w", version: "1.0.0", revision: 1, nodes, edges, groups };
}

export function step(stepId: string, more: Partial<StepState> = {}): StepState {
  return { stepId, status: "running", visits: 1, attempts: 1, startedAt: START, ...more };
}

export function span(stepId: string, more: Partial<TimelineSpan> = {}): TimelineSpan {
  return {
    stepId,
    kind: "step",
    scope: "",
    visit: 1,
    attempt: 1,
    status: "running",
    startedAt: START,
    ...more,
  };
}

export function view(more: Partial<InstanceView> = {}): InstanceView {
  return {
    id: "3f9c1a52-0000-4000-8000-000000000001",
    workflowId: "w",
    workflowName: "Sample",
    version: "1.0.0",
    revision: 1,
    status: "running",
    displayStatus: "running",
    currentStepId: null,
    correlationId: null,
    dagId: "w",
    runId: "manual__1",
    startedAt: START,
    updatedAt: START,
    completedAt: null,
    compensationsOwed: 0,
    deadlineAt: null,
    overdue: false,
    parentInstanceId: null,
    parentStepId: null,
    progress: { completed: 0, total: 1, percent: 0 },
    components: [],
    notices: [],
    steps: [],
    path: [],
    timeline: { complete: true, spans: [] },
    operations: [],
    rights: { edit: false, operate: false, start: false, readLog: true, publishEvents: false },
    ...more,
  };
}
