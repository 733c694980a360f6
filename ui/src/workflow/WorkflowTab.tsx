import { useLive } from "src/api/polling";
import type { InstancePage } from "src/api/schema.gen";
import { Empty } from "src/parts/Empty";
import { LiveView } from "src/parts/LiveView";
import { StatusBadge } from "src/parts/StatusBadge";
import type { AirflowProps } from "src/shell/frame";

/** How an instance goes on, on the page of its DAG run. */
export function WorkflowTab({ dagId, runId }: AirflowProps) {
  const live = useLive<InstancePage>(dagId === undefined ? null : "/instances", {
    query: { workflowId: dagId, limit: 500 },
    every: 2000,
  });
  return (
    <LiveView live={live}>
      {({ items }) => {
        const instance = items.find((each) => each.runId === runId);
        if (instance === undefined) return <Empty title="This run is no instance of a workflow" />;
        return <StatusBadge status={instance.status} />;
      }}
    </LiveView>
  );
}
