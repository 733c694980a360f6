"""The DAG that removes what is past its retention, for an Airflow that has no ``WorkflowDagBundle``.

The bundle and ``workflow_factory.py`` deliver it themselves; copy this file only where you use neither.
"""

from airflow_workflow_provider.dag.maintenance import maintenance_dag

dag = maintenance_dag()
