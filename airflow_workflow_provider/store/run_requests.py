"""DAG runs that are to be made of a particular revision of a workflow (rule P5).

A worker cannot make them: Airflow lets it start the newest version only. Who can, in the api-server, takes the rows. A
row stays until its run was made, or nobody waits for it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from airflow_workflow_provider.store.leases import claiming
from airflow_workflow_provider.store.tables import workflow_run_requests as requests

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_workflow_provider.store.database import Database

CHANNEL: Final = "workflow_run_requests"
"""What PostgreSQL's listeners are told on when there is something to do."""

LEASE: Final = timedelta(seconds=60)
"""After this time a claimed row whose end nobody heard of is claimed again."""


@dataclass(frozen=True)
class RunRequest:
    """A DAG run that is to be made.

    :param revision: what it is to run, see :class:`~airflow_workflow_provider.instances.graphs.Resolved`
    :param user_name: who started it, as Airflow shows it
    :param attempts: how often it has been tried, this time included
    """

    id: int
    dag_id: str
    run_id: str
    revision: int
    conf: dict[str, Any]
    user_name: str | None
    created_at: datetime
    attempts: int


class RunRequests:
    """The DAG runs that are to be made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, dag_id: str, run_id: str, revision: int, conf: Mapping[str, Any], user_name: str | None = None
    ) -> None:
        """Have a run made; one that is asked for already is asked for once."""
        values = {"revision": revision, "conf": dict(conf), "user_name": user_name}
        statement = insert(requests).values(dag_id=dag_id, run_id=run_id, **values).on_conflict_do_nothing().inline()

        def work(connection: Connection) -> None:
            connection.execute(statement)
            connection.execute(select(func.pg_notify(CHANNEL, "")))

        self._database.run(work)

    def claim(self, limit: int = 10, lease: timedelta = LEASE) -> tuple[RunRequest, ...]:
        """Take rows that are due, oldest first; nobody else gets them before the lease is over."""
        columns = (requests.c[name] for name in RunRequest.__dataclass_fields__)
        statement = claiming(requests, limit, lease, *columns)
        rows = self._database.run(lambda connection: connection.execute(statement).all())
        return tuple(sorted((RunRequest(**row._mapping) for row in rows), key=lambda found: found.id))

    def done(self, dag_id: str, run_id: str) -> None:
        """Forget a row: the run was made, or nobody waits for it."""
        statement = delete(requests).where(requests.c.dag_id == dag_id, requests.c.run_id == run_id)
        self._database.run(lambda connection: connection.execute(statement))

    def later(self, request: int, delay: timedelta) -> None:
        """Have a row looked at again after a time."""
        statement = update(requests).where(requests.c.id == request).values(due_at=func.statement_timestamp() + delay)
        self._database.run(lambda connection: connection.execute(statement))

    def next_due(self) -> timedelta | None:
        """How long it takes until something is due; None when there is nothing."""
        query = select(func.min(requests.c.due_at) - func.statement_timestamp())
        found: timedelta | None = self._database.run(lambda connection: connection.execute(query).scalar_one())
        return found
