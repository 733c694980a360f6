"""Amazon States Language, with JSONPath and with JSONata."""

from airflow_workflow_provider.importing.stepfunctions.machine import convert

__all__ = ["convert"]
