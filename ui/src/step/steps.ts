import type { DefinitionGraph, GraphNode } from "src/api/schema.gen";

/** The steps that run in an Airflow task; `whole` is false for one that only belongs to a step (its join, its catch). */
export function stepsOfTask(graph: DefinitionGraph, taskId: string): { steps: GraphNode[]; whole: boolean } {
  const steps = graph.nodes.filter(({ id, stepId }) => id === stepId);
  const own = steps.filter(({ airflowTaskId }) => airflowTaskId === taskId);
  if (own.length > 0) return { steps: own, whole: true };
  // No stepId has a dot, and the tasks beside a step are called after it.
  const owner = taskId.split(".")[0];
  return { steps: taskId.includes(".") ? steps.filter(({ id }) => id === owner) : [], whole: false };
}
