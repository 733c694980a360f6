import type { AirflowProps } from "src/shell/frame";
import { InstancePage } from "src/workflow/InstancePage";
import { useInstanceOfRun } from "src/workflow/useInstance";

/** An instance on the page of its DAG run, beside Airflow's grid. */
export function WorkflowTab({ dagId, runId }: AirflowProps) {
  return <InstancePage host="run" instance={useInstanceOfRun(dagId, runId)} />;
}
