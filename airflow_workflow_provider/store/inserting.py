"""The row of a new instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from sqlalchemy import Connection, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from airflow_workflow_provider.engine.alerts import next_alert
from airflow_workflow_provider.engine.instance_records import MAX_CORRELATION_ID
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.events import row_id_of
from airflow_workflow_provider.store.jsontext import clean
from airflow_workflow_provider.store.tables import workflow_definitions, workflow_events
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.store.logs import LogEntry
    from airflow_workflow_provider.store.places import Claim


NAMESPACE: Final = UUID("6f1c1a52-3b0e-5c9a-9d3e-6f6c0f3a7d11")
"""Of all instance ids. Never change it: ids are computed wherever an instance is met."""


def instance_id(dag_id: str, run_id: str) -> UUID:
    """The id of a DAG run's instance, known without a look-up and the same for every way in."""
    return uuid5(NAMESPACE, f"{dag_id}/{run_id}")


@dataclass(frozen=True)
class NewInstance:
    """What an instance starts with.

    :param revision: the revision of the definition that it keeps until it ends
    :param state: the engine's state, ready for the first step
    :param event: the CloudEvent that started it, if one did
    :param started_at: null for the time of the transaction
    :param deadline_at: when ``settings.timeout`` ends it
    :param announced: whether it has what was known about its start, see :mod:`store.starts`
    :param claim: where the number of instances is limited, and it has not ended
    :param replaces: while it waits for its turn, others end for its sake
    """

    dag_id: str
    run_id: str
    workflow_id: str
    version: str
    revision: int
    input: dict[str, Any]
    state: State
    correlation_id: str | None = None
    event: dict[str, Any] | None = None
    trigger_event_id: UUID | None = None
    parent_instance_id: UUID | None = None
    parent_step_id: str | None = None
    started_at: datetime | None = None
    deadline_at: datetime | None = None
    status: str = "running"
    current_step_id: str | None = None
    log: Sequence[LogEntry] = field(default=())
    announced: bool = False
    claim: Claim | None = None
    replaces: bool = False

    @property
    def id(self) -> UUID:
        """The instance's id."""
        return instance_id(self.dag_id, self.run_id)

    @property
    def values(self) -> dict[str, Any]:
        """The columns of its row.

        :raises Misuse: the correlation id is too long
        """
        check_correlation_id(self.correlation_id)
        return {
            "id": self.id,
            "workflow_id": self.workflow_id,
            "version": self.version,
            "revision": self.revision,
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "status": self.status,
            "current_step_id": self.current_step_id,
            "input": self.input,
            "state": self.state.to_json(),
            "event": self.event,
            "correlation_id": clean(self.correlation_id),
            "trigger_event_id": self.trigger_event_id or row_id_of(self.event),
            "parent_instance_id": self.parent_instance_id,
            "parent_step_id": self.parent_step_id,
            "started_at": self.started_at,
            "deadline_at": self.deadline_at,
            "alert_at": next_alert(self.state),
        }


def insert_instance(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Write the row of a new instance; False where it is there already, or the workflow is not."""
    columns: dict[str, Any] = {name: literal(value, instances.c[name].type) for name, value in values.items()}
    columns["started_at"] = func.coalesce(columns["started_at"], func.now())
    # A user who starts a run manually can name any event in its conf; only one that was accepted is referred to.
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
