"""DAG runs of sub-workflows that are to be made (rule P5).

A worker cannot make them: Airflow lets it start the version only that is loaded, which may be an older one than the
step has seen, or a newer one than it names. The api-server, which can, takes the rows. A row stays until its run was
made, or nobody waits for it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from airflow_workflow_provider.store.outbox import Outbox
from airflow_workflow_provider.store.tables import workflow_run_requests as requests

if TYPE_CHECKING:
    from sqlalchemy import Connection

CHANNEL: Final = "workflow_run_requests"
"""Channel on which PostgreSQL announces new requests."""


@dataclass(frozen=True)
class RunRequest:
    """A DAG run that is to be made.

    :param revision: what it is to run, see :class:`~airflow_workflow_provider.instances.graphs.Resolved`
    :param user_name: who started it, as Airflow shows it
    :param attempts: how often it has been tried, this time included
    :param at_least: a newer revision will do
    """

    id: int
    dag_id: str
    run_id: str
    revision: int
    conf: dict[str, Any]
    user_name: str | None
    created_at: datetime
    attempts: int
    at_least: bool


class RunRequests(Outbox[RunRequest]):
    """The DAG runs that are to be made."""

    table, row, channel = requests, RunRequest, CHANNEL

    def add(
        self,
        dag_id: str,
        run_id: str,
        revision: int,
        conf: Mapping[str, Any],
        user_name: str | None = None,
        *,
        at_least: bool = False,
    ) -> None:
        """Have a run made; one that is asked for already is asked for once.

        :param at_least: a newer revision will do
        """
        values = {"revision": revision, "conf": dict(conf), "user_name": user_name, "at_least": at_least}
        statement = insert(requests).values(dag_id=dag_id, run_id=run_id, **values).on_conflict_do_nothing().inline()

        def work(connection: Connection) -> None:
            connection.execute(statement)
            connection.execute(select(func.pg_notify(CHANNEL, "")))

        self._database.run(work)
