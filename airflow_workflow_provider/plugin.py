"""The Airflow plugin of this package (entry point group ``airflow.plugins``)."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class WorkflowsPlugin(AirflowPlugin):
    """Gathers what this package adds to Airflow's own processes."""

    name = "workflows"
