// Addresses inside Airflow's pages; the router puts Airflow's base path before them.

const part = encodeURIComponent;

export const paths = {
  nav: (view: string) => `/plugin/workflows/${view}`,
  instances: (filter: Record<string, string>) => `/plugin/workflows/instances?${new URLSearchParams(filter)}`,
  start: (workflowId: string) => `/plugin/workflows/start/${part(workflowId)}`,
  question: (id: string) => `/plugin/workflows/task/${part(id)}`,
  definition: (workflowId: string) => `/dags/${part(workflowId)}/plugin/workflow-definition`,
  /** The page of an instance under Workflows. */
  instance: (id: string) => `/plugin/workflows/instance/${part(id)}`,
  /** Two instances side by side; without the second it is chosen there. */
  compare: (id: string, other = "") =>
    `/plugin/workflows/compare/${part(id)}/${part(other)}`.replace(/\/$/, ""),
  /** The tab of an instance on the page of its DAG run. */
  runTab: (of: { dagId: string; runId: string }) =>
    `/dags/${part(of.dagId)}/runs/${part(of.runId)}/plugin/workflow-run`,
  run: (of: { dagId: string; runId: string }) => `/dags/${part(of.dagId)}/runs/${part(of.runId)}`,
};
