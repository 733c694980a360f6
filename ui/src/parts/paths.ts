// Addresses inside Airflow's pages; the router puts Airflow's base path before them.

const part = encodeURIComponent;

export const paths = {
  nav: (view: string) => `/plugin/workflows/${view}`,
  instances: (filter: Record<string, string>) => `/plugin/workflows/instances?${new URLSearchParams(filter)}`,
  start: (workflowId: string) => `/plugin/workflows/start/${part(workflowId)}`,
  definition: (workflowId: string) => `/dags/${part(workflowId)}/plugin/workflow-definition`,
  instance: (of: { dagId: string; runId: string }) =>
    `/dags/${part(of.dagId)}/runs/${part(of.runId)}/plugin/workflow-run`,
  instanceById: (id: string) => `/plugin/workflows/instance/${part(id)}`,
  run: (of: { dagId: string; runId: string }) => `/dags/${part(of.dagId)}/runs/${part(of.runId)}`,
};
