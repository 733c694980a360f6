"""The row of a new instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from airflow_workflow_provider.engine.instance_records import MAX_CORRELATION_ID
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.tables import workflow_definitions, workflow_events
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.vocabulary import ProblemCode


def insert_instance(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Write the row of a new instance; False where it is there already, or the workflow is not."""
    columns: dict[str, Any] = {name: literal(value, instances.c[name].type) for name, value in values.items()}
    columns["started_at"] = func.coalesce(columns["started_at"], func.now())
    # Whoever starts a run by hand can name any event in its conf; only one that was accepted is referred to.
    accepted = select(workflow_events.c.id).where(workflow_events.c.id == columns["trigger_event_id"])
    columns["trigger_event_id"] = accepted.scalar_subquery()
    # The head's id is looked up in the same statement; without a head there is nothing to insert.
    head = select(workflow_definitions.c.id, *columns.values()).where(
        workflow_definitions.c.workflow_id == values["workflow_id"]
    )
    statement = insert(instances).from_select(["workflow_definition_id", *columns], head).on_conflict_do_nothing()
    return connection.execute(statement.returning(instances.c.id)).one_or_none() is not None


def check_correlation_id(value: str | None) -> None:
    """Refuse a correlation id that is too long.

    :raises Misuse: ``too-long``
    """
    if value is not None and len(value) > MAX_CORRELATION_ID:
        message = f"The correlation id has {len(value)} characters; at most {MAX_CORRELATION_ID} are possible"
        raise Misuse(
            message, code=ProblemCode.TOO_LONG, pointer="correlationId", suggestion="use a shorter business key"
        )
