import type { AirflowProps } from "src/shell/frame";
import { WorkflowTab } from "src/workflow/WorkflowTab";

/** What a step did, on the page of its task instance. */
export function StepTab(props: AirflowProps) {
  return <WorkflowTab {...props} />;
}
