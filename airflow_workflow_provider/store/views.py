"""The data of an instance page, read cheaply: no inputs and outputs of the log, no state twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import Numeric, cast, func, select

from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.store.logs import LogRow, log_row
from airflow_workflow_provider.store.tables import workflow_execution_logs as logs
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.views.history import SHOWN_EVENTS, Happening

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

MAX_HAPPENINGS: Final = 5_000
"""Rows of the log that a page is made of; of a longer one the newest."""


@dataclass(frozen=True)
class Mark:
    """Says whether an instance, or its log, has changed.

    :param last_row: id of the newest row of its log, 0 for none
    """

    id: UUID
    workflow_id: str
    revision: int
    status: str
    updated_at: datetime
    last_row: int


class Views:
    """Reads what pages of instances are made of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, instance: UUID) -> Mark:
        """The mark of an instance.

        :raises NotFound: there is none of that id
        """
        newest = select(func.coalesce(func.max(logs.c.id), 0)).where(logs.c.instance_id == instance).scalar_subquery()
        columns = [instances.c[name] for name in Mark.__dataclass_fields__ if name != "last_row"]
        query = select(*columns, newest.label("last_row")).where(instances.c.id == instance)
        row = self._database.run(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            message = f"There is no instance {instance}"
            raise NotFound(message, pointer=str(instance))
        return Mark(**row._mapping)

    def happenings(self, instance: UUID, *, limit: int = MAX_HAPPENINGS) -> tuple[list[Happening], bool]:
        """The rows of the log of the steps of an instance, in order, and whether these are all."""
        error = logs.c.data["error"]
        query = select(
            logs.c.at,
            logs.c.event,
            logs.c.step_id,
            logs.c.scope,
            logs.c.visit,
            logs.c.attempt,
            logs.c.data["next"].astext.label("next"),
            logs.c.data["way"].astext.label("way"),
            cast(logs.c.data["delay"].astext, Numeric).label("delay"),
            error["type"].astext.label("error_type"),
            error["code"].astext.label("error_code"),
            error["message"].astext.label("error_message"),
        ).where(
            logs.c.instance_id == instance,
            logs.c.event.in_(sorted(SHOWN_EVENTS)),
            logs.c.step_id.is_not(None),
            logs.c.visit.is_not(None),
        )
        newest = query.order_by(logs.c.id.desc()).limit(limit + 1)
        rows = self._database.run(lambda connection: connection.execute(newest).all())
        found = [
            Happening(
                row.at,
                row.event,
                row.step_id,
                row.scope,
                row.visit,
                row.attempt or 0,
                row.next,
                row.way,
                None if row.delay is None else float(row.delay),
                {"type": row.error_type, "code": row.error_code, "message": row.error_message}
                if row.error_type is not None
                else None,
            )
            for row in rows[:limit]
        ]
        return found[::-1], len(rows) <= limit

    def rows_of_step(self, instance: UUID, step_id: str, *, limit: int) -> tuple[list[LogRow], bool]:
        """The rows of the log about a step, in order, and whether that is all of them; of more the newest."""
        columns = [logs.c[name] for name in LogRow.__dataclass_fields__]
        query = select(*columns).where(logs.c.instance_id == instance, logs.c.step_id == step_id)
        newest = query.order_by(logs.c.id.desc()).limit(limit + 1)
        rows = self._database.run(lambda connection: connection.execute(newest).all())
        return [log_row(row) for row in rows[:limit]][::-1], len(rows) <= limit
