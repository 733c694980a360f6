/** Where an instance is shown: in the tab of its DAG run in Airflow, or on a page of its own under Workflows. */
export type Host = "run" | "own";
