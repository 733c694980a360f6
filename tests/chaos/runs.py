"""Faults of DAG runs, and what users do at the wrong moment: deleted, marked, cleared, published, restarted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from airflow_workflow_provider.errors import WorkflowsError
from tests.chaos.place import Place
from tests.chaos.workload import publish


def delete_runs(place: Place) -> None:
    """Delete active runs, as a user does or ``airflow db clean``."""
    delete = text("DELETE FROM dag_run WHERE dag_id = :dag AND run_id = :run")
    with place.metadata() as database:
        for dag_id, run_id in place.some_runs(4):
            values = {"dag": dag_id, "run": run_id}
            database.run(lambda connection: connection.execute(delete, values))  # noqa: B023 - done at once


def end_runs_in_silence(place: Place) -> None:
    """Let runs have failed without anybody having been told, as when who was told died."""
    ended = text(
        "UPDATE dag_run SET state = 'failed', end_date = now() - interval '1 minute' "
        "WHERE dag_id = :dag AND run_id = :run"
    )
    stopped = text(
        "UPDATE task_instance SET state = 'failed', end_date = now() WHERE dag_id = :dag AND run_id = :run "
        "AND (state IS NULL OR state NOT IN ('success', 'failed', 'skipped'))"
    )

    def work(connection: Any, values: dict[str, str]) -> None:
        connection.execute(stopped, values)
        connection.execute(ended, values)

    with place.metadata() as database:
        for dag_id, run_id in place.some_runs(2):
            place.ended[dag_id, run_id] = "failed"
            database.run(lambda connection: work(connection, {"dag": dag_id, "run": run_id}))  # noqa: B023


def _ask(place: Place, method: str, path: str, **more: Any) -> Any:
    """Ask Airflow for something that may have become impossible meanwhile."""
    try:
        return place.client.request(method, path, **more)
    except (WorkflowsError, OSError) as error:
        place.notes.append(f"refused: {getattr(error, 'code', type(error).__name__)}")
        return None


def delete_dag(place: Place) -> None:
    """Delete a DAG with all its runs."""
    _ask(place, "DELETE", f"/dags/{place.random.choice(['chaos.received', 'chaos.plain', 'chaos.items-inline'])}")


def mark_runs(place: Place, state: str) -> None:
    """Mark active runs, as a user does."""
    for dag_id, run_id in place.some_runs(2):
        place.ended[dag_id, run_id] = state
        _ask(place, "PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": state})


def _tasks(place: Place, dag_id: str, run_id: str, *states: str) -> list[str]:
    found = _ask(place, "GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances") or {}
    return [each["task_id"] for each in found.get("task_instances", ()) if each["state"] in states]


def mark_tasks(place: Place) -> None:
    """Mark tasks as failed that run, wait, or have just ended."""
    for dag_id, run_id in place.some_runs(3):
        for task_id in _tasks(place, dag_id, run_id, "running", "deferred", "awaiting_input")[:1]:
            path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
            _ask(place, "PATCH", path, json={"new_state": "failed"})


def clear_tasks(place: Place) -> None:
    """Clear tasks of active runs that have succeeded."""
    for dag_id, run_id in place.some_runs(3):
        for task_id in _tasks(place, dag_id, run_id, "success")[:1]:
            body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], "only_failed": False}
            _ask(place, "POST", f"/dags/{dag_id}/clearTaskInstances", json={**body, "include_downstream": True})


def publish_versions(place: Place) -> None:
    """Publish a new version of every workflow while instances start and run."""
    with place.workflow_database() as database:
        publish(database, place.workflows, place.random.randrange(10**9))


def _some_instances(place: Place, *statuses: str) -> list[str]:
    query = text(
        "SELECT id::text FROM workflow_instances WHERE workflow_id LIKE 'chaos.%' AND parent_instance_id IS NULL "
        "AND status = ANY(:statuses) ORDER BY started_at DESC LIMIT 12"
    )
    with place.workflow_database() as database:
        found = database.run(lambda connection: connection.execute(query, {"statuses": list(statuses)}).scalars().all())
    return place.random.sample(list(found), min(2, len(found)))


def _operate(place: Place, operation: str, *statuses: str, body: dict[str, Any]) -> None:
    for each in _some_instances(place, *statuses):
        try:
            place.client.workflows("POST", f"/instances/{each}/{operation}", json=body)
        except (WorkflowsError, OSError) as error:
            place.notes.append(f"refused: {getattr(error, 'code', type(error).__name__)}")


def restart_instances(place: Place) -> None:
    """Restart instances that have ended."""
    _operate(place, "restart", "completed", "failed", body={})


def cancel_instances(place: Place) -> None:
    """Cancel live instances, with their compensations where they have any."""
    _operate(place, "cancel", "running", "suspended", body={})
