"""What users do to runs and tasks in Airflow itself, as user actions in the execution log (rule L1)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.utils.session import create_session
from sqlalchemy import case, func, select

from airflow_workflow_provider.airflow_db.audit_rows import (
    AUDITED,
    CLEARED,
    REFUSED,
    RUN_DELETED,
    RUN_MARKED,
    Asked,
    AuditRow,
    asked_in,
)
from airflow_workflow_provider.airflow_db.table_follower import Follower
from airflow_workflow_provider.engine.masking import Masker, filled_in
from airflow_workflow_provider.engine.stored_state import StateUnreadable
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.model.definition import RESERVED_TARGETS
from airflow_workflow_provider.store.definitions import stored_workflows
from airflow_workflow_provider.store.instances import Record, instance_id, lock_instance
from airflow_workflow_provider.store.journal import metadata_of
from airflow_workflow_provider.store.logs import LogEntry, is_written

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

CURSOR: Final = "airflow-audit"
LIMIT: Final = 500
MARKER: Final = "audit"
"""Key of the entry's data that names the row of Airflow's audit log, so that it is written once."""

GRACE: Final = timedelta(seconds=3)
"""How long to wait for the note that a request was refused, which is written when it is answered."""


class AuditForwarder:
    """Takes over from Airflow's audit log. Needs Airflow's metadata database.

    Airflow writes a row before it carries the request out, or refuses it. So a row counts once Airflow's tables show
    its effect, and no other row says that it was refused; one whose effect does not show in time has changed nothing.

    :param definition_of: gives the definition of a workflow's revision
    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    :param grace: how old a row is when it is looked at
    """

    def __init__(
        self,
        database: Database,
        definition_of: Callable[[str, int], WorkflowDefinition],
        mask: Callable[[Any], Any] = lambda value: value,
        grace: timedelta = GRACE,
    ) -> None:
        self._follower = Follower(database, CURSOR, _newest, _newest_before, _read, self._take)
        self._definition_of = definition_of
        self._mask = mask
        self._grace = grace

    def forward(self) -> None:
        """Write down what was done since the last look."""
        self._follower.follow()

    def _take(self, connection: Connection, found: Sequence[AuditRow]) -> Collection[int]:
        asked = [(row, each) for row in found for each in asked_in(row)]
        ours = stored_workflows(connection, {each.dag_id for _, each in asked}) if asked else set()
        asked = [(row, each) for row, each in asked if each.dag_id in ours]
        ripe = datetime.now(UTC) - self._grace
        again = {row.id for row, _ in asked if row.timestamp > ripe}
        refused = _refused([row.id for row, _ in asked])
        judged = [(row, each) for row, each in asked if row.id not in again | refused]
        for (row, each), shows in zip(judged, _done(judged), strict=True):
            if not (shows and self._write(connection, row, each)):
                again.add(row.id)
        return again - refused

    def _write(self, connection: Connection, row: AuditRow, asked: Asked) -> bool:
        """Write a row down once; False where the instance is not there yet."""
        wanted = instance_id(asked.dag_id, asked.run_id)
        try:
            record = lock_instance(connection, wanted)
        except NotFound:
            return False
        except StateUnreadable as error:
            # A row changed manually, or stored by a newer release: the other actions are written all the same.
            log.warning("%s", error.message)
            return False
        if not is_written(connection, wanted, asked.event, {MARKER: row.key}):
            record.log([self._entry(record, row, asked)])
        return True

    def _entry(self, record: Record, row: AuditRow, asked: Asked) -> LogEntry:
        stored = record.stored
        definition = self._definition_of(stored.workflow_id, stored.revision)
        masker = Masker(definition, stored.input, self._mask, filled_in(stored.state))
        log = definition.execution_log
        metadata = metadata_of(log.metadata if log is not None else (), stored.event, stored.input)
        data = {"via": "airflow", **masker.mask(asked.data), MARKER: row.key}
        return LogEntry(
            asked.event,
            at=row.timestamp,
            step_id=_step_of(asked),
            actor={"id": row.owner, "name": row.owner_display_name or row.owner},
            metadata=masker.mask_metadata(metadata) or None,
            data=data,
            message=masker.mask(asked.note),
        )


def _step_of(asked: Asked) -> str | None:
    """Return the step of a task that is one; the names of the others hold a dot, or are reserved."""
    if len(asked.tasks) != 1 or "." in asked.tasks[0] or asked.tasks[0] in RESERVED_TARGETS:
        return None
    return asked.tasks[0]


def _refused(rows: Sequence[int]) -> set[int]:
    """Return those of some rows whose requests were refused."""
    if not rows:
        return set()
    with create_session() as session:
        found = session.scalars(select(Log.extra).where(Log.event == REFUSED, Log.id > min(rows)))
        return {json.loads(extra or "{}").get("audit") for extra in found}.intersection(rows)


def _done(asked: Sequence[tuple[AuditRow, Asked]]) -> list[bool]:
    """Return for each request whether Airflow's tables show that it was carried out."""
    if not asked:
        return []
    with create_session() as session:
        return [_EFFECTS.get(each.event, _marked)(session, each, row.timestamp) for row, each in asked]


def _marked(session: Session, asked: Asked, at: datetime) -> bool:
    for table in (TaskInstance, TaskInstanceHistory):
        query = select(table.task_id).where(table.dag_id == asked.dag_id, table.run_id == asked.run_id)
        query = query.where(table.state == asked.state, table.updated_at >= at)
        if asked.tasks:
            query = query.where(table.task_id.in_(asked.tasks))
        if session.scalar(query.limit(1)) is not None:
            return True
    return False


def _cleared(session: Session, asked: Asked, at: datetime) -> bool:
    """A cleared task instance gets a new id, which holds the time."""
    query = select(TaskInstance.id).where(TaskInstance.dag_id == asked.dag_id, TaskInstance.run_id == asked.run_id)
    if asked.tasks:
        query = query.where(TaskInstance.task_id.in_(asked.tasks))
    moment = int(at.timestamp() * 1000)
    return any(found.int >> 80 >= moment for found in session.scalars(query))


def _run_marked(session: Session, asked: Asked, at: datetime) -> bool:
    states = ("queued", "running") if asked.state == "queued" else (asked.state,)
    query = _run(asked).where(DagRun.state.in_(states), DagRun.updated_at >= at)
    return session.scalar(query) is not None


def _run_deleted(session: Session, asked: Asked, at: datetime) -> bool:  # noqa: ARG001 - the time does not matter
    return session.scalar(_run(asked)) is None


_EFFECTS: Final[Mapping[str, Callable[[Session, Asked, datetime], bool]]] = {
    CLEARED: _cleared,
    RUN_MARKED: _run_marked,
    RUN_DELETED: _run_deleted,
}


def _run(asked: Asked) -> Any:
    return select(DagRun.id).where(DagRun.dag_id == asked.dag_id, DagRun.run_id == asked.run_id)


def _read(after: int) -> list[AuditRow]:
    query = (
        select(
            Log.id,
            func.coalesce(Log.dttm, func.now()),
            Log.event,
            Log.dag_id,
            Log.run_id,
            Log.task_id,
            Log.owner,
            Log.owner_display_name,
            case((Log.event.in_(AUDITED), Log.extra)),
        )
        .where(Log.id > after)
        .order_by(Log.id)
        .limit(LIMIT)
    )
    with create_session() as session:
        return [AuditRow(*row) for row in session.execute(query).all()]


def _newest() -> int:
    with create_session() as session:
        return int(session.scalar(select(func.coalesce(func.max(Log.id), 0))) or 0)


def _newest_before(moment: datetime) -> int:
    with create_session() as session:
        query = select(func.coalesce(func.max(Log.id), 0)).where(Log.dttm < moment)
        return int(session.scalar(query) or 0)
