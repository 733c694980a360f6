"""Workflow instances: the row that is there before the first step runs, and changed under its lock (rule I2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from airflow_workflow_provider.engine.alerts import next_alert
from airflow_workflow_provider.engine.stored_state import StateUnreadable, read_state, unreadable
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.store import places, wakeups
from airflow_workflow_provider.store.display import display_status
from airflow_workflow_provider.store.endings import ENDED, End
from airflow_workflow_provider.store.events import accept
from airflow_workflow_provider.store.inserting import NewInstance, check_correlation_id, insert_instance, instance_id
from airflow_workflow_provider.store.jsontext import clean
from airflow_workflow_provider.store.logs import LogEntry, append
from airflow_workflow_provider.store.notifications import add_notifications
from airflow_workflow_provider.store.starts import Starts, settle
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.store.withdrawing import Attempt, end_waits, withdraw, withdraw_all
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.store.database import Database

T = TypeVar("T")

__all__ = ["instance_id"]


@dataclass(frozen=True)
class InstanceSummary:
    """An instance as lists show it: everything but the documents that may be large.

    :param compensations_owed: visits that are still to be compensated although it has ended (rule F7)
    :param queued: whether it waits for its turn (rule I7)
    """

    id: UUID
    workflow_definition_id: UUID
    workflow_id: str
    version: str
    revision: int
    status: str
    current_step_id: str | None
    error: dict[str, Any] | None
    correlation_id: str | None
    dag_id: str
    run_id: str
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    deadline_at: datetime | None
    trigger_event_id: UUID | None
    parent_instance_id: UUID | None
    parent_step_id: str | None
    compensations_owed: int
    suspended_by_operator: bool
    queued: bool
    started_by: str | None

    @property
    def display_status(self) -> str:
        """The status in people's words: ``waiting`` or ``queued`` where nobody has suspended it, ``cancelled``."""
        kind = None if self.error is None else self.error.get("type")
        by_operator = self.suspended_by_operator
        return display_status(self.status, kind, suspended_by_operator=by_operator, queued=self.queued)


@dataclass(frozen=True)
class Instance(InstanceSummary):
    """An instance with its documents."""

    input: dict[str, Any]
    state: State
    output: Any
    event: dict[str, Any] | None


_COLUMN: Final[dict[str, ColumnElement[Any]]] = {
    **dict(instances.c.items()),
    "suspended_by_operator": instances.c.state.has_key("suspension").label("suspended_by_operator"),
    "queued": instances.c.state.has_key("queuedAt").label("queued"),
}
SUMMARY_COLUMNS: Final = [_COLUMN[name] for name in InstanceSummary.__dataclass_fields__]
_COLUMNS: Final = [_COLUMN[name] for name in Instance.__dataclass_fields__]


class Record:
    """An instance under its lock; change the attributes, then :meth:`save`.

    :ivar connection: of the transaction, for what else belongs into it
    :ivar stored: the row as it was when the lock was taken
    :ivar created: whether this transaction made the row
    :ivar claim: where the number of instances is limited
    """

    def __init__(self, connection: Connection, stored: Instance, *, created: bool) -> None:
        self.connection = connection
        self.stored = stored
        self.created = created
        self.id = stored.id
        self.state: State = stored.state
        self.status = stored.status
        self.current_step_id = stored.current_step_id
        self.output = stored.output
        self.error = stored.error
        self.completed_at = stored.completed_at
        self.deadline_at = stored.deadline_at
        self.correlation_id = stored.correlation_id
        self.input = stored.input
        self.version = stored.version
        self.revision = stored.revision
        self.compensations_owed = stored.compensations_owed
        self.claim: places.Claim | None = None
        self._announced_end = stored.completed_at
        self._asked = stored.state.open_questions()
        # As they were: the state is changed in place.
        self._live = [
            Attempt(key, each.step_id, each.visit, each.attempt) for key, each in stored.state.live() if each.is_begun
        ]

    def save(self) -> None:
        """Write the attributes; committed when the transaction ends.

        Open questions that the state does not wait for any more are withdrawn with it; steps of an instance that has
        ended ask nobody and wait for no event.
        """
        self.connection.execute(update(instances).where(instances.c.id == self.id).values(**self.written))
        if self.status in ENDED and self.stored.status not in ENDED:
            # Also a question that was asked while its step had yet to note that it waits for the answer.
            withdraw_all(self.connection, self.id)
            end_waits(self.connection, self.id, self.stored.workflow_id, self._live)
        else:
            withdraw(self.connection, self.withdrawn)
        self._take_place()
        self._announce_end()

    def _take_place(self) -> None:
        """Leave the place of an instance that ends; have one that runs again wait for a new one (rule I7)."""
        ended, had_ended = self.status in ENDED, self.stored.status in ENDED
        if ended and not had_ended:
            places.leave(self.connection, self.id)
        elif had_ended and not ended and self.claim is not None:
            places.enter(self.connection, self.id, self.claim, admitted=False)
        elif self.state.queued_at is not None and self.state.suspension is None:
            places.resumed(self.connection)

    @property
    def withdrawn(self) -> set[str]:
        """The open questions that the state does not wait for any more."""
        return self._asked - self.state.open_questions()

    @property
    def values(self) -> dict[str, Any]:
        """The columns that are written and that :class:`Instance` has, but for the state and the time.

        :raises Misuse: the correlation id is too long
        """
        check_correlation_id(self.correlation_id)
        return {
            "status": self.status,
            "current_step_id": self.current_step_id,
            "output": self.output,
            "error": self.error,
            "completed_at": self.completed_at,
            "deadline_at": self.deadline_at,
            "correlation_id": clean(self.correlation_id),
            "input": self.input,
            "version": self.version,
            "revision": self.revision,
            "compensations_owed": self.compensations_owed,
        }

    @property
    def written(self) -> dict[str, Any]:
        """Every column that is written.

        :raises Misuse: the correlation id is too long
        """
        return {
            **self.values,
            "state": self.state.to_json(),
            "alert_at": next_alert(self.state),
            # Not now(): that is when the transaction began, before it waited for its turn.
            "updated_at": func.statement_timestamp(),
        }

    def _announce_end(self) -> None:
        """Publish the end of the instance in the transaction that makes it true."""
        if self.status not in ENDED or self.completed_at is None or self._announced_end == self.completed_at:
            return
        stored = self.stored
        end = End(
            stored.id,
            stored.workflow_id,
            stored.version,
            stored.run_id,
            self.status,
            self.output,
            self.error,
            self.correlation_id,
            stored.started_at,
            self.completed_at,
            stored.event,
        )
        accept(self.connection, [end.event()])
        self._announced_end = self.completed_at

    def wake(self, task_ids: Iterable[str], question_id: UUID | None = None) -> None:
        """Have tasks of the run resumed, once the transaction is committed.

        :param question_id: the question that they waited for, if they did
        """
        wakeups.add(self.connection, self.stored.dag_id, self.stored.run_id, task_ids, question_id)

    def notify(self, occasion: str, notifiers: Sequence[str]) -> None:
        """Have notifiers called, once the transaction is committed.

        :param notifiers: names in ``[workflows] notifiers``
        """
        add_notifications(self.connection, occasion, notifiers, self.id)

    def log(self, entries: Sequence[LogEntry]) -> None:
        """Append to the execution log in the same transaction."""
        append(self.connection, self.id, entries)


Create = Callable[[Connection], NewInstance]
"""Makes an instance that is missing, within the transaction that needs it."""


class Instances:
    """The instances of all workflows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        """Where they are."""
        return self._database

    @property
    def starts(self) -> Starts:
        """What was announced before instances were there."""
        return Starts(self._database)

    def open(self, new: NewInstance) -> Instance:
        """The instance of a DAG run, made when it is not there yet; the log entries of ``new`` are written only then.

        :returns: the row as it is stored, which another start may have made and changed
        :raises NotFound: the workflow was never published
        :raises Misuse: the correlation id is too long
        """
        return self._database.run(lambda connection: lock_instance(connection, new.id, lambda _: new).stored)

    @contextmanager
    def locked(self, instance: UUID, create: Create | None = None) -> Iterator[Record]:
        """One transaction on one instance, which no other changes meanwhile: read, decide, save and log, commit.

        Concurrent branches wait for each other here, so keep it short and do no I/O inside. Not repeated when the
        connection is lost; :meth:`update` is.

        :param create: makes the instance when it is missing, as :meth:`open` does
        :raises NotFound: the instance is missing and ``create`` not given
        """
        with self._database.begin() as connection:
            yield lock_instance(connection, instance, create)

    def update(self, instance: UUID, work: Callable[[Record], T], create: Create | None = None) -> T:
        """Like :meth:`locked`, with ``work`` as its body and repeated from a fresh read when the connection is lost.

        If it is lost in the moment of the commit, ``work`` meets its own result: it must notice and do nothing.

        :returns: what ``work`` returns
        """
        return self._database.run(lambda connection: work(lock_instance(connection, instance, create)))

    def get(self, instance: UUID) -> Instance:
        """An instance with its documents.

        :raises NotFound: there is none of that id
        """
        row = self._database.run(lambda connection: _read(connection, instance, lock=False))
        if row is None:
            raise _not_found(instance)
        return instance_of(row)

    def ended(self, wanted: Collection[UUID]) -> set[UUID]:
        """Which of these instances have ended."""
        query = select(instances.c.id).where(instances.c.id.in_(list(wanted)), instances.c.status.in_(ENDED))
        return set(self._database.run(lambda connection: connection.execute(query).scalars().all()))


def lock_instance(connection: Connection, wanted: UUID, create: Create | None = None) -> Record:
    """An instance under its lock, in a transaction that has begun.

    :param create: makes the instance when it is missing
    :raises NotFound: the instance is missing and ``create`` not given
    """
    row = _read(connection, wanted, lock=True)
    if row is not None:
        return Record(connection, instance_of(row), created=False)
    if create is None:
        raise _not_found(wanted)
    new = create(connection)
    if new.id != wanted:
        message = f"The new instance has the id {new.id}, expected {wanted}"
        raise ValueError(message)
    created = insert_instance(connection, new.values)
    row = _read(connection, wanted, lock=True)
    if row is None:
        message = f"There is no workflow {new.workflow_id!r} to start an instance of"
        raise NotFound(message, pointer=new.workflow_id)
    if created:
        append(connection, wanted, new.log)
        if new.announced:
            settle(connection, wanted)
        if new.claim is not None:
            places.enter(connection, wanted, new.claim, admitted=new.state.queued_at is None)
            if new.replaces:
                places.replace_others(connection, wanted, new.claim)
    return Record(connection, instance_of(row), created=created)


def summary_of(row: Row[Any]) -> InstanceSummary:
    """An instance as lists show it; an error that was changed manually and is not an object is reported as such."""
    values = dict(row._mapping)
    if values["error"] is not None and not isinstance(values["error"], dict):
        message = "The stored error is not an object"
        values["error"] = {
            "type": ErrorType.WORKFLOW_FAILED.value,
            "code": StateUnreadable.default_code,
            "message": message,
        }
    return InstanceSummary(**values)


def instance_of(row: Row[Any]) -> Instance:
    """An instance from its row.

    :raises StateUnreadable: somebody has edited the row into something that has no meaning
    """
    what = f"instance {row.id}"
    for name, required in (("input", True), ("event", False), ("error", False)):
        value = getattr(row, name)
        if not isinstance(value, dict) and (required or value is not None):
            raise unreadable(what, f"/{name}", "it is no object")
    return Instance(**{**row._mapping, "state": read_state(row.state, what)})


def _read(connection: Connection, wanted: UUID, *, lock: bool) -> Row[Any] | None:
    query = select(*_COLUMNS).where(instances.c.id == wanted)
    # Log rows refer to the instance and may be written meanwhile: the key itself never changes.
    return connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()


def _not_found(instance: UUID) -> NotFound:
    return NotFound(f"There is no instance {instance}", pointer=str(instance))
