"""Rows of Airflow's audit log that this package writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from airflow.models.log import Log
from airflow.utils.session import create_session
from sqlalchemy import event

from airflow_workflow_provider.airflow_db.audit_rows import AUDITED, REFUSED


@dataclass(frozen=True)
class WrittenRow:
    """A row of an audited request, as Airflow has just written it."""

    id: int
    owner: str | None
    owner_display_name: str | None
    dag_id: str | None
    run_id: str | None


def write_row(
    what: str, owner: str, extra: dict[str, Any], dag_id: str | None = None, run_id: str | None = None
) -> None:
    """Write a row, committed at once.

    :param what: what is done, such as ``workflow.start``
    :param owner: the user who does it
    """
    with create_session() as session:
        session.add(
            Log(
                event=what,
                owner=owner,
                owner_display_name=owner,
                extra=json.dumps(extra),
                dag_id=dag_id,
                run_id=run_id,
            )
        )


def note_refused(rows: Iterable[WrittenRow], status: int) -> None:
    """Write beside the rows of a request that it was refused.

    :param status: the HTTP status
    """
    with create_session() as session:
        session.add_all(
            Log(
                REFUSED,
                owner=row.owner,
                owner_display_name=row.owner_display_name,
                extra=json.dumps({"audit": row.id, "status": status}),
                dag_id=row.dag_id,
                run_id=row.run_id,
            )
            for row in rows
        )


def watch(listener: Callable[[WrittenRow], None]) -> None:
    """Have a function called with each row of an audited request that this process writes from now on."""

    def inserted(_: Any, __: Any, row: Log) -> None:
        if row.event in AUDITED:
            listener(WrittenRow(row.id, row.owner, row.owner_display_name, row.dag_id, row.run_id))

    event.listen(Log, "after_insert", inserted)
