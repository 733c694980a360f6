import { useLive } from "src/api/polling";
import type { DefinitionGraph } from "src/api/schema.gen";
import { GraphView } from "src/graph/GraphView";
import { LiveView } from "src/parts/LiveView";

/** The graph of a published definition, as it is at a revision. */
export function DefinitionGraphView({ workflowId, revision }: { workflowId: string; revision: number }) {
  const live = useLive<DefinitionGraph>(`/definitions/${encodeURIComponent(workflowId)}/graph`, {
    query: { revision },
  });
  return (
    <LiveView lines={8} live={live}>
      {(graph) => <GraphView graph={graph} />}
    </LiveView>
  );
}
