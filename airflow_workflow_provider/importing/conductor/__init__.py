"""Conductor (conductor-oss): workflow definitions in JSON."""

from airflow_workflow_provider.importing.conductor.workflow import convert

__all__ = ["convert"]
