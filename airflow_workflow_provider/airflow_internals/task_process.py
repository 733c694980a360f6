"""What the process of a task asks of Airflow beyond its public interface, about runs, tasks, people and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import DagRunResult, GetDagRun, SkipDownstreamTasks
from airflow.sdk.execution_time.hitl import upsert_hitl_detail
from airflow.sdk.execution_time.timeout import timeout


def conf_of_run(dag_id: str, run_id: str) -> dict[str, Any] | None:
    """Return the ``conf`` of a DAG run; null where there is none that can be seen."""
    try:
        # The module's attribute is set when the task's process starts.
        found = task_runner.SUPERVISOR_COMMS.send(GetDagRun(dag_id=dag_id, run_id=run_id))
    except AirflowRuntimeError:
        return None
    return (found.conf or {}) if isinstance(found, DagRunResult) else None


def skip_tasks(tasks: Sequence[str | tuple[str, int]]) -> None:
    """Skip tasks of the run and continue: Airflow itself only skips tasks downstream of one that succeeds.

    Tasks that run, have succeeded or have failed stay as they are.
    """
    task_runner.SUPERVISOR_COMMS.send(SkipDownstreamTasks(tasks=list(tasks)))


def show_required_action(
    ti_id: UUID, *, options: Sequence[str], subject: str, body: str | None, params: Mapping[str, Any]
) -> None:
    """Have Airflow show a required action of a task instance."""
    upsert_hitl_detail(ti_id=ti_id, options=list(options), subject=subject, body=body, params=dict(params))


def time_limit(seconds: float, message: str = "Timeout") -> AbstractContextManager[Any]:
    """Interrupt what runs within the context after a time.

    :raises AirflowTaskTimeout: the time is over
    """
    limit: AbstractContextManager[Any] = timeout(seconds, message)  # type: ignore[no-untyped-call]
    return limit
