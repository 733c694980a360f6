"""The execution log: what happened in an instance, in order (rules L1 to L4 decide what is written)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select

from airflow_workflow_provider.store.jsontext import clean
from airflow_workflow_provider.store.statuses import LEVELS
from airflow_workflow_provider.store.tables import workflow_execution_logs as logs

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

Level = Literal["debug", "info", "error"]


@dataclass(frozen=True)
class LogEntry:
    """One thing that happened.

    :param event: what, such as ``step.started``
    :param level: the log level it belongs to
    :param at: when; null for the time of writing
    :param step_id: the step it is about, if it is about one
    :param scope: the branch or item of that step; empty at top level
    :param visit: which visit of the step, from 1
    :param attempt: which attempt of that visit, from 1
    :param actor: the person who did it, for user actions
    :param metadata: the values that the definition asks to be stored with every row (rule L2)
    :param data: input, output, error, decision: what belongs to the event
    :param message: one line for people
    """

    event: str
    level: Level = "info"
    at: datetime | None = None
    step_id: str | None = None
    scope: str = ""
    visit: int | None = None
    attempt: int | None = None
    actor: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    data: dict[str, Any] | None = None
    message: str | None = None


@dataclass(frozen=True)
class LogRow:
    """An entry as it is stored; ``id`` grows in the order in which an instance's entries became visible."""

    id: int
    instance_id: UUID
    at: datetime
    level: Level
    event: str
    step_id: str | None
    scope: str
    visit: int | None
    attempt: int | None
    actor: dict[str, Any] | None
    metadata: dict[str, Any] | None
    data: dict[str, Any] | None
    message: str | None


def log_row(row: Row[Any]) -> LogRow:
    """An entry from its row; what was written into it manually, and is not an object, is shown as a ``value``."""
    values = dict(row._mapping)
    for name in ("actor", "metadata", "data"):
        if values[name] is not None and not isinstance(values[name], dict):
            values[name] = {"value": values[name]}
    return LogRow(**values)


_COLUMNS = [logs.c[name] for name in LogRow.__dataclass_fields__]


def append(connection: Connection, instance_id: UUID, entries: Sequence[LogEntry]) -> None:
    """Write entries in the transaction that changes their instance, whose lock keeps their ids in order."""
    if not entries:
        return
    rows = [{**row_of(entry), "at": entry.at or func.statement_timestamp()} for entry in entries]
    connection.execute(insert(logs).values([{"instance_id": instance_id, **row} for row in rows]))


def is_written(connection: Connection, instance_id: UUID, event: str, data: dict[str, Any]) -> bool:
    """Return whether an instance has an entry of an event whose data hold these."""
    query = select(logs.c.id).where(logs.c.instance_id == instance_id, logs.c.event == event)
    return connection.execute(query.where(logs.c["data"].contains(data)).limit(1)).first() is not None


class Logs:
    """Reads the execution log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(
        self,
        instance_id: UUID,
        *,
        after_id: int = 0,
        level: Level | None = None,
        step_id: str | None = None,
        limit: int = 1000,
    ) -> tuple[LogRow, ...]:
        """Rows of one instance in order; ``after_id`` of the last row seen gives what came since.

        :param level: leave out what only a more detailed level has; ``error`` gives failures, start and end
        :param limit: how many rows at most
        """
        query = select(*_COLUMNS).where(logs.c.instance_id == instance_id, logs.c.id > after_id)
        if level is not None:
            query = query.where(logs.c.level.in_(LEVELS[LEVELS.index(level) :]))
        if step_id is not None:
            query = query.where(logs.c.step_id == step_id)
        query = query.order_by(logs.c.id).limit(limit)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(log_row(row) for row in rows)


def row_of(entry: LogEntry) -> dict[str, Any]:
    """Return what is written of an entry, by column; the time of an entry without one is null."""
    return {
        "at": entry.at,
        "level": entry.level,
        "event": entry.event,
        "step_id": entry.step_id,
        "scope": clean(entry.scope),
        "visit": entry.visit,
        "attempt": entry.attempt,
        "actor": entry.actor,
        "metadata": entry.metadata,
        "data": entry.data,
        "message": clean(entry.message),
    }
