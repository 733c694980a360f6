"""Airflow DAGs of all workflows that are stored in the workflow database.

Copy this file into Airflow's DAG folder. With many workflows, or to keep running instances on the version they
started with, configure ``WorkflowDagBundle`` instead: see ``docs/deployment.md``.
"""

from airflow_workflow_provider.dag.factory import generate_dags

generate_dags(globals())
