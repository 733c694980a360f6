"""Reads from rows of Airflow's audit log what users did to runs and their tasks.

Airflow names a row after the function that handles the request, and keeps query, path and body in ``extra``. It writes
the row before it looks whether the request can be carried out, for some requests even whether the user may do it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from airflow_workflow_provider.vocabulary import LogEvent

Json = dict[str, Any]

MAX_NAMES: Final = 100
MAX_NAME: Final = 250
MAX_NOTE: Final = 1000

FLAGS: Final = {
    "only_failed": "onlyFailed",
    "only_running": "onlyRunning",
    "only_new": "onlyNew",
    "include_upstream": "includeUpstream",
    "include_downstream": "includeDownstream",
    "include_future": "includeFuture",
    "include_past": "includePast",
    "reset_dag_runs": "resetDagRuns",
    "run_on_latest_version": "runOnLatestVersion",
}
"""The options of a request, by their names in the execution log."""

MARKED: Final = {
    "success": LogEvent.AIRFLOW_MARKED_SUCCESS,
    "failed": LogEvent.AIRFLOW_MARKED_FAILED,
    "skipped": LogEvent.AIRFLOW_MARKED_SKIPPED,
}
CLEARED: Final = LogEvent.AIRFLOW_CLEARED
RUN_MARKED: Final = LogEvent.AIRFLOW_RUN_MARKED
RUN_DELETED: Final = LogEvent.AIRFLOW_RUN_DELETED
REFUSED: Final = "workflow.refused"
"""Event of the row in Airflow's audit log that reports the refusal of another row's request."""

RUN_STATES: Final = ("success", "failed", "queued")


@dataclass(frozen=True)
class AuditRow:
    """A row of Airflow's audit log.

    :param extra: JSON text, of rows that may matter here
    """

    id: int
    timestamp: datetime
    event: str
    dag_id: str | None
    run_id: str | None
    task_id: str | None
    owner: str | None
    owner_display_name: str | None
    extra: str | None

    @property
    def key(self) -> str:
        """Identifies the row permanently: Airflow counts from 1 again in a new metadata database."""
        return f"{self.id}/{self.timestamp.isoformat()}"


@dataclass(frozen=True)
class Asked:
    """A request about one DAG run.

    :param event: how the execution log calls it
    :param tasks: the tasks that it named; empty for the whole run
    :param state: the state in which tasks or run were to be
    :param more: what else it asked, of what is known
    """

    event: str
    dag_id: str
    run_id: str
    tasks: tuple[str, ...] = ()
    state: str | None = None
    more: Json | None = None
    note: str | None = None

    @property
    def data(self) -> Json:
        """The data that the execution log keeps."""
        named: Json = {}
        if len(self.tasks) == 1:
            named["task"] = self.tasks[0]
        elif self.tasks:
            named["tasks"] = list(self.tasks)
        if self.event == RUN_MARKED:
            named["newState"] = self.state
        return {**named, **(self.more or {})}


def asked_in(row: AuditRow) -> list[Asked]:
    """Return what a row says that was asked; nothing for rows that are about something else, or cannot be read."""
    reader = _READERS.get(row.event)
    if reader is None:
        return []
    try:
        extra = json.loads(row.extra or "{}")
    except (ValueError, RecursionError):
        return []
    if not isinstance(extra, dict):
        return []
    return [each for each in reader(row, extra) if _is_name(each.dag_id) and _is_name(each.run_id)]


def _task(row: AuditRow, extra: Json) -> Iterator[Asked]:
    return _marked(row, extra, [row.task_id])


def _group(row: AuditRow, extra: Json) -> Iterator[Asked]:
    group = extra.get("group_id")
    for asked in _marked(row, extra, []):
        yield replace(asked, more={**(asked.more or {}), "group": group}) if _is_name(group) else asked


def _marked(row: AuditRow, extra: Json, tasks: list[Any]) -> Iterator[Asked]:
    state = extra.get("new_state")
    state = state.lower() if isinstance(state, str) else None
    if state in MARKED:
        yield _asked(MARKED[state], row.dag_id, row.run_id, extra, tasks, state)


def _cleared(row: AuditRow, extra: Json) -> Iterator[Asked]:
    given = extra.get("task_ids")
    tasks = [each[0] if isinstance(each, list) and each else each for each in given] if isinstance(given, list) else []
    yield _asked(CLEARED, row.dag_id, row.run_id, extra, tasks)


def _run_cleared(row: AuditRow, extra: Json) -> Iterator[Asked]:
    yield _asked(CLEARED, row.dag_id, row.run_id, extra)


def _runs_cleared(row: AuditRow, extra: Json) -> Iterator[Asked]:
    # Of these alone Airflow keeps also those that only ask what would be done.
    if extra.get("dry_run", True) is False:
        for dag_id, run_id, _ in _runs(row, extra.get("dag_runs")):
            yield _asked(CLEARED, dag_id, run_id, extra)


def _run_marked(row: AuditRow, extra: Json) -> Iterator[Asked]:
    if extra.get("state") in RUN_STATES:
        yield _asked(RUN_MARKED, row.dag_id, row.run_id, extra, state=extra["state"])


def _run_deleted(row: AuditRow, extra: Json) -> Iterator[Asked]:
    yield _asked(RUN_DELETED, row.dag_id, row.run_id, extra)


def _many_runs(row: AuditRow, extra: Json) -> Iterator[Asked]:
    for action in _objects(extra.get("actions")):
        mask = action.get("update_mask")
        has_state = "state" in mask if isinstance(mask, list) else True
        for dag_id, run_id, entity in _runs(row, action.get("entities")):
            if action.get("action") == "delete":
                yield _asked(RUN_DELETED, dag_id, run_id, entity)
            elif entity.get("state") in RUN_STATES and has_state:
                yield _asked(RUN_MARKED, dag_id, run_id, entity, state=entity["state"])


_READERS: Final[Mapping[str, Callable[[AuditRow, Json], Iterator[Asked]]]] = {
    "patch_task_instance": _task,
    "patch_task_group_instances": _group,
    "post_clear_task_instances": _cleared,
    "clear_dag_run": _run_cleared,
    "clear_dag_runs": _runs_cleared,
    "patch_dag_run": _run_marked,
    "delete_dag_run": _run_deleted,
    "bulk_dag_runs": _many_runs,
}

AUDITED: Final = tuple(_READERS)
"""The names of the rows that matter."""


def _asked(
    event: str, dag_id: Any, run_id: Any, extra: Json, tasks: list[Any] | None = None, state: str | None = None
) -> Asked:
    named = tuple(dict.fromkeys(each for each in tasks or () if _is_name(each)))[:MAX_NAMES]
    more = {name: extra[key] for key, name in FLAGS.items() if isinstance(extra.get(key), bool)}
    note = extra.get("note")
    return Asked(event, dag_id, run_id, named, state, more, note[:MAX_NOTE] if isinstance(note, str) and note else None)


def _runs(row: AuditRow, entities: Any) -> Iterator[tuple[Any, Any, Json]]:
    """Give DAG id and run id of each entity of a request on many, and the entity."""
    for each in entities if isinstance(entities, list) else []:
        entity = each if isinstance(each, dict) else {"dag_run_id": each}
        dag_id = entity.get("dag_id") if row.dag_id in (None, "~") else row.dag_id
        yield dag_id, entity.get("dag_run_id"), entity


def _objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_name(value: Any) -> bool:
    """Return whether a value can be the name of something: what no table can hold, or stands for all, cannot."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and value != "~" and value.isprintable()
