"""The DAG ``workflow_maintenance``: removes rows whose retention has expired (rule L3).

``WorkflowDagBundle`` and ``generate_dags`` deliver it with the workflows, so nobody has to copy a file.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import dag, task

from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.vocabulary import MAINTENANCE_DAG

if TYPE_CHECKING:
    from airflow.sdk import DAG

MAINTENANCE_FILE: Final = f"{MAINTENANCE_DAG}.py"

MAINTENANCE_SOURCE: Final = """\
# An Airflow DAG of airflow-workflow-provider. [workflows] maintenance_schedule says when it runs.
from airflow_workflow_provider.dag.maintenance import maintenance_dag

dag = maintenance_dag()
"""

_DOC: Final = """\
Removes rows of the execution log and events that are past their retention, as `airflow workflows purge` and
`airflow workflows events purge` do. `airflow workflows purge --dry-run` shows what would be removed.

It also asks the api-servers to compare the live instances with Airflow's DAG runs, as they do periodically, and fails
if none of them answers: then nothing would notice a DAG run that was deleted.
"""


def maintenance_dag() -> DAG:
    """Return the DAG; one without a schedule where ``[workflows] maintenance_schedule`` is empty."""
    settings = load_settings()
    # If a database or an api-server is unavailable for a while, retry instead of waiting for the next day.
    arguments: dict[str, Any] = {
        "retries": 5,
        "retry_delay": timedelta(seconds=10),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
    }
    if settings.maintenance_queue:
        arguments["queue"] = settings.maintenance_queue

    @dag(
        dag_id=MAINTENANCE_DAG,
        schedule=settings.maintenance_schedule or None,
        start_date=datetime(2025, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["workflows", "maintenance"],
        description="Removes what is past its retention",
        doc_md=_DOC,
        is_paused_upon_creation=False,
        default_args=arguments,
    )
    def maintenance() -> None:
        purge_execution_log()
        purge_events()
        reconcile()

    return maintenance()


@task
def purge_execution_log() -> dict[str, int]:
    """Return how many rows were removed, by workflow."""
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.retention import Retention

    with Database.configured(maintenance=True) as database:
        removed = Retention(database, load_settings().log_retention).purge(datetime.now(UTC))
    return {expired.workflow_id: expired.rows for expired in removed if expired.rows}


@task
def purge_events() -> int:
    """Return how many events were removed."""
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.event_retention import EventRetention

    with Database.configured(maintenance=True) as database:
        return EventRetention(database, load_settings().log_retention).purge(datetime.now(UTC))


@task
def reconcile() -> int:
    """Return how many comparisons were finished since the beginning."""
    from airflow_workflow_provider.store.comparing import Comparisons
    from airflow_workflow_provider.store.database import Database

    with Database.configured(maintenance=True) as database:
        return Comparisons(database).ask_and_wait(3 * load_settings().reconcile_interval + 120)
