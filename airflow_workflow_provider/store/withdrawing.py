"""Questions and waits that stop to be open because nobody waits for what they ask any more."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, update

from airflow_workflow_provider.store.tables import workflow_event_waits as waits
from airflow_workflow_provider.store.tables import workflow_questions as questions


def withdraw(connection: Connection, ids: Collection[str]) -> None:
    """Withdraw those of some questions that are open."""
    if ids:
        withdraw_where(connection, questions.c.id.in_(sorted(ids)))


def withdraw_where(connection: Connection, which: Any) -> None:
    """Withdraw the open ones of the questions that a condition names."""
    values = {"status": "withdrawn", "closed_at": func.statement_timestamp(), "next_at": None}
    connection.execute(update(questions).where(which, questions.c.status == "open").values(**values))


def end_waits(connection: Connection, instance: UUID) -> None:
    """Let no event come to steps of an instance that has ended."""
    values = {"status": "ended", "updated_at": func.statement_timestamp()}
    statement = update(waits).where(waits.c.instance_id == instance, waits.c.status == "waiting")
    connection.execute(statement.values(**values))
