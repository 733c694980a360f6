"""A DAG for each published workflow definition, for an Airflow that has no WorkflowDagBundle configured."""

from __future__ import annotations

from airflow_workflow_provider.dag.loading import generate_dags

generate_dags(globals())
