"""Instances as they are compared with Airflow's DAG runs: in pages that walk an index, by one process at a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from airflow_workflow_provider.engine.suspension import RESTORED_BY
from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.store.tables import workflow_definitions as definitions
from airflow_workflow_provider.store.tables import workflow_event_cursors as cursors
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.store.tables import workflow_questions as questions
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

LOCK_KEY: Final = 7_206_041_120_331_904_007
CHANNEL: Final = "workflow_reconcile"
"""The channel of PostgreSQL on which a comparison is requested."""

LOOKS: Final = "reconciler"
"""Name of the row that counts the looks that were finished."""

LEFT: Final = "reconciler-left"
"""Name of the row that says how many instances the last one left that do not agree."""


ASK_AGAIN: Final = 1.0
"""Seconds after which who waits for a look asks again."""


@dataclass(frozen=True)
class Compared:
    """An instance, as far as it is compared.

    :param unchanged_for: how long ago its row was changed last, by the clock of the database
    """

    id: UUID
    workflow_id: str
    revision: int
    dag_id: str
    run_id: str
    status: str
    started_at: datetime
    updated_at: datetime
    unchanged_for: timedelta


class Comparisons:
    """Gives instances to compare."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Return whether nobody else compares; nobody else can until the context ends.

        :raises StoreUnavailable: the database is not reached
        """
        # A session's lock, on a connection that is in no transaction: a look may take longer than one may be idle.
        with self._database.session() as connection:
            got = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}).scalar_one())
            try:
                yield got
            finally:
                if got:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})

    def live(self, status: str, after: Compared | None, limit: int) -> list[Compared]:
        """Return instances of a status, oldest first.

        :param after: the last one of the page before
        """
        query = live_page(status, after, limit)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return [Compared(**row._mapping) for row in rows]

    def of(self, wanted: Collection[UUID]) -> dict[UUID, Compared]:
        """Return some instances by their ids; those that are not there are left out."""
        query = select(*_columns()).where(instances.c.id.in_(list(wanted)))
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return {row.id: Compared(**row._mapping) for row in rows}

    def workflows_among(self, dag_ids: Collection[str]) -> set[str]:
        """Return the DAGs that are those of workflows."""
        query = select(definitions.c.workflow_id).where(definitions.c.workflow_id.in_(list(dag_ids)))
        return set(self._database.run(lambda connection: connection.execute(query).scalars().all()))

    def waiting_for(self, wanted: Collection[UUID]) -> set[tuple[UUID, str]]:
        """Return the tasks of some instances that have something to wait for: an open question."""
        query = select(questions.c.instance_id, questions.c.task_id)
        query = query.where(questions.c.instance_id.in_(list(wanted)), questions.c.status == "open")
        return {tuple(row) for row in self._database.run(lambda connection: connection.execute(query).all())}

    def suspended(self, wanted: Collection[UUID]) -> set[UUID]:
        """Return which of some instances may begin no attempt, so that their tasks wait: suspended ones, and queues."""
        held = or_(instances.c.state.has_key("suspension"), instances.c.state.has_key("queuedAt"))
        query = select(instances.c.id).where(instances.c.id.in_(list(wanted)), held)
        return set(self._database.run(lambda connection: connection.execute(query).scalars().all()))

    def last_question(self, instance: UUID, task_id: str) -> UUID | None:
        """Return the question that a task of an instance asked last."""
        query = select(questions.c.id).where(questions.c.instance_id == instance, questions.c.task_id == task_id)
        query = query.order_by(questions.c.asked_at.desc()).limit(1)
        found: UUID | None = self._database.run(lambda connection: connection.execute(query).scalar_one_or_none())
        return found

    def restored(self) -> int:
        """Return how many instances are suspended because they were restored from an older backup."""
        query = select(func.count()).where(*_restored())
        return int(self._database.run(lambda connection: connection.execute(query).scalar_one()))

    def restored_among(self, wanted: Collection[UUID]) -> set[UUID]:
        """Return which of some instances are suspended because they were restored from an older backup."""
        query = select(instances.c.id).where(instances.c.id.in_(list(wanted)), *_restored())
        return set(self._database.run(lambda connection: connection.execute(query).scalars().all()))

    def note_look(self, left: int) -> None:
        """Note that a look has been finished.

        :param left: how many instances it left that do not agree with their run
        """
        statement = insert(cursors).values([{"name": LOOKS, "position": 1}, {"name": LEFT, "position": left}])
        again = case((cursors.c.name == LOOKS, cursors.c.position + 1), else_=statement.excluded.position)
        values = {"position": again, "updated_at": func.statement_timestamp()}
        statement = statement.on_conflict_do_update(index_elements=[cursors.c.name], set_=values)
        self._database.run(lambda connection: connection.execute(statement))

    def left(self) -> int:
        """Return how many instances the last look left that do not agree with their run."""
        query = select(cursors.c.position).where(cursors.c.name == LEFT)
        return int(self._database.run(lambda connection: connection.execute(query).scalar_one_or_none()) or 0)

    def last_look(self) -> tuple[int, timedelta | None]:
        """Return how many looks were finished, and how long ago the last one was; null for none."""
        query = select(cursors.c.position, func.statement_timestamp() - cursors.c.updated_at)
        row = self._database.run(
            lambda connection: connection.execute(query.where(cursors.c.name == LOOKS)).one_or_none()
        )
        return (0, None) if row is None else (int(row[0]), row[1])

    def ask(self) -> None:
        """Request a comparison now."""
        self._database.run(lambda connection: connection.execute(select(func.pg_notify(CHANNEL, ""))))

    def ask_and_wait(self, seconds: float) -> int:
        """Ask for a look and wait until one has been finished; return how many there were.

        :raises StoreUnavailable: ``nobody-reconciles``: none was
        """
        before, _ = self.last_look()
        until = time.monotonic() + seconds
        while (found := self.last_look()[0]) == before:
            if time.monotonic() > until:
                message = f"No api-server has compared instances with DAG runs within {seconds:g} s"
                raise StoreUnavailable(
                    message,
                    code=ProblemCode.NOBODY_RECONCILES,
                    suggestion="check that an api-server with the plugin runs, and its log",
                )
            self.ask()
            time.sleep(ASK_AGAIN)
        return found


def live_page(status: str, after: Compared | None, limit: int) -> Select[Any]:
    """Return the query of :meth:`Comparisons.live`, which walks its part of an index and stops after a page."""
    query = select(*_columns()).where(instances.c.status == status)
    if after is not None:
        query = query.where(tuple_(instances.c.started_at, instances.c.id) > tuple_(after.started_at, after.id))
    return query.order_by(instances.c.started_at, instances.c.id).limit(limit)


def _restored() -> tuple[Any, Any]:
    by = instances.c.state["suspension"]["by"]["id"].astext
    return instances.c.status == "suspended", by == RESTORED_BY["id"]


def _columns() -> list[Any]:
    names = [name for name in Compared.__dataclass_fields__ if name != "unchanged_for"]
    age = (func.statement_timestamp() - instances.c.updated_at).label("unchanged_for")
    return [*(instances.c[name] for name in names), age]
