"""Withdraws questions and waits for which no step waits any more."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from airflow_workflow_provider.store.tables import workflow_event_deliveries as deliveries
from airflow_workflow_provider.store.tables import workflow_event_waits as waits
from airflow_workflow_provider.store.tables import workflow_questions as questions
from airflow_workflow_provider.vocabulary import ErrorType


class Attempt(NamedTuple):
    """An attempt of a step."""

    scope: str
    step_id: str
    visit: int
    attempt: int


def withdraw(connection: Connection, ids: Collection[str]) -> None:
    """Withdraw those of some questions that are open."""
    if ids:
        withdraw_where(connection, questions.c.id.in_(sorted(ids)))


def withdraw_all(connection: Connection, instance: UUID) -> None:
    """Withdraw the open questions of an instance that has ended."""
    withdraw_where(connection, questions.c.instance_id == instance)


def withdraw_where(connection: Connection, which: Any) -> None:
    """Withdraw the open ones of the questions that a condition names."""
    values = {"status": "withdrawn", "closed_at": func.statement_timestamp(), "next_at": None}
    connection.execute(update(questions).where(which, questions.c.status == "open").values(**values))


def end_waits(connection: Connection, instance: UUID, workflow_id: str, unfinished: Collection[Attempt]) -> None:
    """Let no event come to steps of an instance that has ended; keep those as dead letters that came in vain.

    :param unfinished: the attempts that the end of the instance has stopped
    """
    values = {"status": "ended", "updated_at": func.statement_timestamp()}
    statement = update(waits).where(waits.c.instance_id == instance, waits.c.status == "waiting")
    connection.execute(statement.values(**values))
    if not unfinished:
        return
    place = tuple_(waits.c.scope, waits.c.step_id, waits.c.visit, waits.c.attempt)
    query = select(waits.c.event_id, waits.c.step_id).where(
        waits.c.instance_id == instance, waits.c.event_id.is_not(None), place.in_([tuple(each) for each in unfinished])
    )
    dead = [
        {
            "event_id": row.event_id,
            "workflow_id": workflow_id,
            "status": "dead",
            "reason": _in_vain(instance, row.step_id),
        }
        for row in connection.execute(query)
    ]
    if dead:
        connection.execute(insert(deliveries).values(dead).on_conflict_do_nothing())


def _in_vain(instance: UUID, step_id: str) -> dict[str, Any]:
    message = f"Step {step_id!r} of instance {instance} received the event, and the instance ended before it took it"
    error: dict[str, Any] = {"type": ErrorType.CANCELLED, "code": "instance-over", "message": message}
    return {**error, "stepId": step_id, "attempt": None, "details": {}, "at": None}
