"""Steps that wait for an event (rule E5): no event that arrives before, while or after one begins to wait is missed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from sqlalchemy import Connection, any_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE

from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.model.patterns import MANY, ONE, matches, shape_of, values_at
from airflow_workflow_provider.store.endings import ENDED
from airflow_workflow_provider.store.events import CHANNEL, NAMESPACE, stored_event
from airflow_workflow_provider.store.matching import correlation_key, note_wait, stop_arrivals
from airflow_workflow_provider.store.tables import workflow_event_waits as waits
from airflow_workflow_provider.store.tables import workflow_events as events
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.events import CloudEvent
    from airflow_workflow_provider.store.database import Database

PAGE: Final = 100
"""Events looked at, at a time, when a step begins to wait."""


@dataclass(frozen=True)
class NewWait:
    """What a step waits for.

    :param pattern: of the event's type
    :param correlation: values that the event's data must have, by dotted path
    :param deadline: when it stops to wait; None for never
    """

    instance_id: UUID
    step_id: str
    scope: str
    visit: int
    attempt: int
    pattern: str
    correlation: Mapping[str, Any]
    deadline: datetime | None = None

    @property
    def id(self) -> UUID:
        """The id of the wait: the same for the same attempt, so it can be begun again."""
        return uuid5(NAMESPACE, f"{self.instance_id}/{self.scope}/{self.step_id}/{self.visit}/{self.attempt}")


@dataclass(frozen=True)
class WaitingStep:
    """A step that waits, as lists show it."""

    id: UUID
    instance_id: UUID
    workflow_id: str
    step_id: str
    scope: str
    visit: int
    attempt: int
    pattern: str
    correlation: dict[str, Any]
    waiting_since: datetime
    deadline_at: datetime | None


_OWN: Final = [waits.c[name] for name in WaitingStep.__dataclass_fields__ if name != "workflow_id"]


class Waits:
    """The steps that wait."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, new: NewWait, window: timedelta) -> CloudEvent | None:
        """Begin to wait, or continue to; return the event if it is there.

        An event that arrived up to ``window`` before counts too, the oldest first; but not one that started this
        instance, nor one that another step of the same list, or an earlier visit, has received. Of an instance that has
        ended nothing waits.

        :raises NotFound: there is no such instance
        """

        def work(connection: Connection) -> CloudEvent | None:
            # The instance is locked first, as by a transaction that ends it and publishes the event about that.
            owner = select(instances.c.event, instances.c.status).where(instances.c.id == new.instance_id)
            row = connection.execute(owner.with_for_update(read=True)).one_or_none()
            if row is None:
                message = f"There is no instance {new.instance_id}"
                raise NotFound(message, pointer=str(new.instance_id))
            stop_arrivals(connection)
            if row.status not in ENDED and _insert(connection, new):
                note_wait(connection, new.pattern, list(new.correlation))
                found = _arrived(connection, new, window, row.event)
                if found is not None:
                    _receive(connection, new.id, found)
            return _received(connection, new.id)

        return self._database.run(work)

    def look(self, ids: Collection[UUID]) -> set[UUID]:
        """Which of these do not wait any more, because they ended or their instance was deleted."""
        # One parameter for any number: a triggerer may ask for more than a statement has parameters.
        wanted = any_(bindparam(None, list(ids), ARRAY(UUID_TYPE)))
        query = select(waits.c.id).where(waits.c.id == wanted, waits.c.status == "waiting")
        return set(ids) - set(self._database.run(lambda connection: connection.execute(query).scalars().all()))

    def end(self, wait: UUID) -> CloudEvent | None:
        """Stop to wait, and return the event if it has come; asked again, the answer is the same.

        :raises Conflict: the event was received and has been deleted since
        """

        def work(connection: Connection) -> CloudEvent | None:
            ended = update(waits).where(waits.c.id == wait, waits.c.status == "waiting")
            connection.execute(ended.values(status="ended", updated_at=func.statement_timestamp()))
            return _received(connection, wait)

        return self._database.run(work)

    def list(
        self,
        *,
        workflow_ids: Collection[str] | None = None,
        instance: UUID | None = None,
        limit: int = 100,
    ) -> tuple[WaitingStep, ...]:
        """The steps that wait now, the longest first."""
        query = select(*_OWN, instances.c.workflow_id).join(instances, instances.c.id == waits.c.instance_id)
        query = query.where(waits.c.status == "waiting", instances.c.status.in_(("running", "suspended")))
        if workflow_ids is not None:
            query = query.where(instances.c.workflow_id.in_(sorted(workflow_ids)))
        if instance is not None:
            query = query.where(waits.c.instance_id == instance)
        query = query.order_by(waits.c.waiting_since, waits.c.id).limit(limit)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(WaitingStep(**row._mapping) for row in rows)


def _insert(connection: Connection, new: NewWait) -> bool:
    values = {
        "id": new.id,
        "instance_id": new.instance_id,
        "step_id": new.step_id,
        "scope": new.scope,
        "visit": new.visit,
        "attempt": new.attempt,
        "pattern": new.pattern,
        "correlation": dict(new.correlation),
        "correlation_key": correlation_key(new.correlation),
        "deadline_at": new.deadline,
        "waiting_since": func.statement_timestamp(),
    }
    statement = insert(waits).values(**values).on_conflict_do_nothing().returning(waits.c.id)
    return connection.execute(statement).one_or_none() is not None


def _arrived(connection: Connection, new: NewWait, window: timedelta, trigger: Mapping[str, Any] | None) -> UUID | None:
    """The oldest event of the window that the step may have."""
    query = select(events).where(events.c.received_at >= func.statement_timestamp() - window, _has_type(new.pattern))
    for path, value in new.correlation.items():
        nested = _nested(path, value)
        if nested is not None:
            query = query.where(events.c.data.contains(nested))
    query = query.where(events.c.id.not_in(_taken(new))).order_by(events.c.sequence).limit(PAGE)
    after = 0
    while rows := connection.execute(query.where(events.c.sequence > after)).all():
        for row in rows:
            found = stored_event(row)
            if _is_trigger(found.event, trigger) or not matches(new.pattern, found.event.type):
                continue
            values = values_at(found.event.data, new.correlation)
            if values is not None and correlation_key(values) == correlation_key(new.correlation):
                return found.id
        after = rows[-1].sequence
    return None


def _is_trigger(event: CloudEvent, trigger: Mapping[str, Any] | None) -> bool:
    return trigger is not None and event.key == (trigger.get("source"), trigger.get("id"))


def _taken(new: NewWait) -> Any:
    """The events that this path has received: by another visit of the step, or by steps of its list, in or around it.

    Another attempt of the same visit gets the same event again, and so do branches beside each other.
    """
    around = [new.scope]
    while around[-1]:
        around.append(re.sub(r"(/|^)[^/]*$", "", around[-1]))
    inside = waits.c.scope.startswith(f"{new.scope}/" if new.scope else "", autoescape=True)
    same_visit = (waits.c.step_id == new.step_id) & (waits.c.scope == new.scope) & (waits.c.visit == new.visit)
    return select(waits.c.event_id).where(
        waits.c.instance_id == new.instance_id,
        waits.c.event_id.is_not(None),
        waits.c.scope.in_(around) | inside,
        ~same_visit,
    )


def _has_type(pattern: str) -> Any:
    if shape_of(pattern) is None:
        return events.c.type == pattern
    # The prefix is enough for the index; the rest is decided in Python.
    literal = []
    for token in pattern.split("."):
        if token in (ONE, MANY):
            break
        literal.append(token)
    prefix = ".".join(literal)
    return events.c.type.startswith(prefix, autoescape=True)


def _nested(path: str, value: Any) -> Any:
    """The object that has a value at a path; None where the path may go through an array."""
    parts = path.split(".")
    if any(part.isdecimal() for part in parts):
        return None
    for part in reversed(parts):
        value = {part: value}
    return value


def _receive(connection: Connection, wait: UUID, event: UUID) -> None:
    values = {"status": "received", "event_id": event, "updated_at": func.statement_timestamp()}
    connection.execute(update(waits).where(waits.c.id == wait).values(**values))
    connection.execute(select(func.pg_notify(CHANNEL, "")))


def _received(connection: Connection, wait: UUID) -> CloudEvent | None:
    query = select(waits.c.status, events).outerjoin(events, events.c.id == waits.c.event_id).where(waits.c.id == wait)
    row = connection.execute(query).one_or_none()
    if row is None or row.status != "received":
        return None
    if row.event_id is None:
        message = f"The event that wait {wait} received has been deleted"
        raise Conflict(message, code=ProblemCode.EVENT_DELETED)
    return stored_event(row).event
