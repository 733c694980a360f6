"""Removes rows of the execution log and events that are past their retention, once a day.

Runs ``purge`` and ``events purge`` of this package; ``airflow workflows purge --dry-run`` tells what it would remove.
It also asks the api-servers to compare the live instances with Airflow's DAG runs, as they do by themselves, and fails
where none of them answers: then nothing would notice a DAG run that was deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import dag, task


@dag(
    dag_id="workflow_maintenance",
    schedule="@daily",
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["workflows", "maintenance"],
    doc_md=__doc__,
)
def workflow_maintenance() -> None:
    """Keep the tables of the workflow provider in shape."""

    @task
    def purge_execution_log() -> dict[str, int]:
        """Return how many rows were removed, by workflow."""
        from airflow_workflow_provider.settings import load_settings
        from airflow_workflow_provider.store.database import Database
        from airflow_workflow_provider.store.retention import Retention

        with Database.configured(maintenance=True) as database:
            removed = Retention(database, load_settings().log_retention).purge(datetime.now(UTC))
        return {expired.workflow_id: expired.rows for expired in removed if expired.rows}

    @task
    def purge_events() -> int:
        """Return how many events were removed."""
        from airflow_workflow_provider.settings import load_settings
        from airflow_workflow_provider.store.database import Database
        from airflow_workflow_provider.store.event_retention import EventRetention

        with Database.configured(maintenance=True) as database:
            return EventRetention(database, load_settings().log_retention).purge(datetime.now(UTC))

    @task
    def reconcile() -> int:
        """Return how many comparisons were finished since the beginning."""
        from airflow_workflow_provider.settings import load_settings
        from airflow_workflow_provider.store.comparing import Comparisons
        from airflow_workflow_provider.store.database import Database

        with Database.configured(maintenance=True) as database:
            return Comparisons(database).ask_and_wait(3 * load_settings().reconcile_interval + 120)

    purge_execution_log()
    purge_events()
    reconcile()


workflow_maintenance()
