"""Open Workflow: the DSL 1.0 of Serverless Workflow."""

from airflow_workflow_provider.importing.openworkflow.document import convert

__all__ = ["convert"]
