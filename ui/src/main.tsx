// What Airflow loads. It imports this file once and looks for each of our components under its name (airflow_workflow_provider/ui/apps.py).
import "virtual:shared";
import { DefinitionTab } from "src/definition/DefinitionTab";
import { NavPage } from "src/nav/NavPage";
import { type AirflowProps, framed } from "src/shell/frame";
import { StepTab } from "src/step/StepTab";
import { WorkflowTab } from "src/workflow/WorkflowTab";

const apps: Record<string, (props: AirflowProps) => React.ReactNode> = {
  Workflows: framed("Workflows", NavPage),
  Definition: framed("Definition", DefinitionTab),
  Workflow: framed("Workflow", WorkflowTab),
  Step: framed("Step", StepTab),
};

Object.assign(globalThis, apps);

export default apps.Workflows;
