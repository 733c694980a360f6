"""Questions to people: the questions, the votes, and who may answer (rule K3, ``approval`` and ``form``).

A question is changed under the lock of its instance and its own, in this order, together with the state that it is
part of. So of two answers, or of an answer and a cancellation, one comes first and the other finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NotRequired, TypeVar
from uuid import UUID, uuid5

from pydantic import AfterValidator
from sqlalchemy import Connection, Select, Text, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from typing_extensions import TypedDict

from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.store.endings import ENDED
from airflow_workflow_provider.store.events import NAMESPACE
from airflow_workflow_provider.store.instances import Record, lock_instance
from airflow_workflow_provider.store.jsontext import clean
from airflow_workflow_provider.store.keyset import read_cursor, write_cursor
from airflow_workflow_provider.store.rows import like, read_row, readable
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.store.tables import workflow_questions as questions
from airflow_workflow_provider.store.withdrawing import withdraw, withdraw_where

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

T = TypeVar("T")
Json = dict[str, Any]
MAX_PAGE: Final = 1000


def _moment(value: str) -> str:
    moment(value)
    return value


_Time = Annotated[str, AfterValidator(_moment)]


class _Somebody(TypedDict):
    id: str
    name: str


class _Excluded(TypedDict):
    id: NotRequired[str]
    name: NotRequired[str]


class _Given(TypedDict):
    by: _Somebody | None
    decision: str
    form: Json
    comment: str | None
    at: _Time


class _Vote(TypedDict):
    by: _Somebody
    decision: str
    form: Json
    comment: str | None
    at: _Time


class _Planned(TypedDict):
    at: _Time
    assignees: dict[str, list[str]] | None


@dataclass(frozen=True)
class Question:
    """A question as it is stored.

    :param task_id: the Airflow task that waits for the answer
    :param started_by: name of the user who started the instance; null if nobody did
    :param option_labels: what people read instead of the names of options, by option; null for none
    :param assignees: names of users, roles and groups; null for everyone with permission to answer in Airflow
    :param keys: who may answer, as keys of people
    :param excluded: who may not, though a key would let them: ``{"id", "name"}``, or the name only
    :param votes: one a person: ``{by, decision, form, comment, at}``
    :param answer: what was decided, once it was
    :param plan: reminders and escalations that are still to come, by time: ``{at, assignees}``
    :param notifiers: names of those that are called; null for all
    :param next_at: when the plan continues
    :param closed_at: when it stopped to be open
    """

    id: UUID
    instance_id: UUID
    workflow_id: str
    revision: int
    dag_id: str
    run_id: str
    correlation_id: str | None
    started_by: str | None
    input: Json
    task_id: str
    step_id: str
    scope: str
    visit: int
    attempt: int
    kind: str
    subject: str
    body: str | None
    options: list[str]
    option_labels: dict[str, str] | None
    schema: Json
    defaults: Json
    comment_required: list[str]
    min_approvals: int
    assignees: dict[str, list[str]] | None
    keys: list[str]
    excluded: list[Annotated[Json, like(_Excluded)]]
    status: str
    claimed_by: Annotated[Json, like(_Somebody)] | None
    votes: list[Annotated[Json, like(_Vote)]]
    answer: Annotated[Json, like(_Given)] | None
    plan: list[Annotated[Json, like(_Planned)]]
    notifiers: list[str] | None
    asked_at: datetime
    due_at: datetime | None
    next_at: datetime | None
    closed_at: datetime | None

    @property
    def is_due(self) -> bool:
        """Whether nobody may answer any more because the time is over, and that was not noted yet."""
        return self.status == "open" and self.due_at is not None and self.due_at <= datetime.now(UTC)

    @property
    def is_waited_for(self) -> bool:
        """Whether its step has nothing to do yet."""
        return self.status == "open" and not self.is_due


_FOREIGN: Final = ("workflow_id", "revision", "dag_id", "run_id", "correlation_id", "started_by", "input")
_OWN: Final = [questions.c[name] for name in Question.__dataclass_fields__ if name not in _FOREIGN]
_COLUMNS: Final = [*_OWN, *(instances.c[name] for name in _FOREIGN)]


@dataclass(frozen=True)
class NewQuestion:
    """A question that an attempt of a step asks; the parameters are those of :class:`Question`."""

    instance_id: UUID
    task_id: str
    step_id: str
    scope: str
    visit: int
    attempt: int
    kind: str
    subject: str
    body: str | None
    options: Sequence[str]
    option_labels: Mapping[str, str]
    schema: Json
    defaults: Json
    comment_required: Sequence[str]
    min_approvals: int
    assignees: dict[str, list[str]] | None
    keys: Sequence[str]
    excluded: Sequence[Json]
    plan: Sequence[Json]
    notifiers: Sequence[str] | None
    due_at: datetime | None
    next_at: datetime | None

    @property
    def id(self) -> UUID:
        """The id of the question: the same for the same attempt, so asking again asks nothing new."""
        return question_id(self.instance_id, self.scope, self.step_id, self.visit, self.attempt)


def question_id(instance: UUID, scope: str, step_id: str, visit: int, attempt: int) -> UUID:
    """The id of the question that an attempt asks."""
    return uuid5(NAMESPACE, f"question/{instance}/{scope}/{step_id}/{visit}/{attempt}")


@dataclass(frozen=True)
class QuestionFilter:
    """Which questions; what is null does not restrict, and all that is given must hold.

    :param keys: that somebody with one of these keys may answer
    :param not_for: and from which this person is not excluded: ``{"id", "name"}``
    :param answered_by: that the user of this id has answered
    """

    workflow_ids: Collection[str] | None = None
    instance_id: UUID | None = None
    statuses: Collection[str] | None = ("open",)
    keys: Collection[str] | None = None
    not_for: Json | None = None
    answered_by: str | None = None


@dataclass(frozen=True)
class QuestionPage:
    """Some questions in their order, and where the next page begins; null after the last."""

    items: tuple[Question, ...]
    next: str | None


class Questions:
    """The questions of all instances."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(
        self, new: NewQuestion, also: Callable[[Connection, tuple[UUID, UUID]], None] = lambda *_: None
    ) -> Question:
        """The question of an attempt, asked when it is not there yet.

        What another attempt of the same step had asked is withdrawn. Of an instance that has ended nobody is asked: the
        question is withdrawn from the beginning.

        :param also: what belongs into the transaction that asks it; gets the ids of instance and question
        """

        def work(connection: Connection) -> Question:
            values = {**vars(new), "id": new.id}
            for name in ("options", "keys", "excluded", "comment_required", "plan"):
                values[name] = list(values[name])
            values["option_labels"] = dict(new.option_labels) or None
            values["notifiers"] = None if new.notifiers is None else list(new.notifiers)
            for name in ("subject", "body", "scope"):
                values[name] = clean(values[name])
            ended = _has_ended(connection, new.instance_id)
            statement = insert(questions).values(**values).on_conflict_do_nothing().returning(questions.c.id)
            if connection.execute(statement).one_or_none() is None:
                return _get(connection, new.id)
            if ended:
                # In a second statement: workers may end a question, but not ask one in another status than `open`.
                withdraw(connection, [str(new.id)])
            else:
                same_step = (questions.c.step_id == new.step_id) & (questions.c.scope == clean(new.scope))
                of_instance = questions.c.instance_id == new.instance_id
                withdraw_where(connection, of_instance & same_step & (questions.c.id != new.id))
                also(connection, (new.instance_id, new.id))
            return _get(connection, new.id)

        return self._database.run(work)

    def withdraw(self, question: UUID) -> None:
        """Ask nobody any more, if the question is still open."""
        self._database.run(lambda connection: withdraw(connection, [str(question)]))

    def get(self, question: UUID) -> Question:
        """A question.

        :raises NotFound: there is none of that id
        """
        return self._database.run(lambda connection: _get(connection, question))

    def find(self, wanted: Collection[UUID]) -> dict[UUID, Question]:
        """Those of some questions that there are, by id."""
        query = _joined().where(questions.c.id.in_(list(wanted)))
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return {found.id: found for found in readable(Question, rows, "question")}

    def change(self, question: UUID, work: Callable[[Record, QuestionRecord], T]) -> T:
        """Let ``work`` change a question and its instance in one transaction, repeated when the connection is lost.

        :raises NotFound: there is none of that id
        """

        def within(connection: Connection) -> T:
            instance = _get(connection, question).instance_id
            record = lock_instance(connection, instance)
            return work(record, lock_question(record, question))

        return self._database.run(within)

    def page(
        self, only: QuestionFilter, *, after: str | None = None, limit: int = 50, newest: bool = False
    ) -> QuestionPage:
        """Questions, those that were asked first at the top, or those that were asked last.

        :param after: ``next`` of the page before
        :raises Misuse: an ``after`` that no page gave
        """
        limit = max(1, min(limit, MAX_PAGE))
        order = (questions.c.asked_at, questions.c.id)
        query = _restricted(only)
        if after is not None:
            place = tuple_(*read_cursor(after))
            query = query.where(tuple_(*order) < place if newest else tuple_(*order) > place)
        query = query.order_by(*(each.desc() if newest else each for each in order)).limit(limit + 1)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        items = tuple(readable(Question, rows[:limit], "question"))
        last = rows[limit - 1] if len(rows) > limit else None
        return QuestionPage(items, None if last is None else write_cursor(last.asked_at, last.id))

    def of_task(self, instance: UUID, task_id: str) -> tuple[Question, ...]:
        """The questions that an Airflow task of an instance has asked, the oldest first."""
        query = _joined().where(questions.c.instance_id == instance, questions.c.task_id == task_id)
        query = query.order_by(questions.c.asked_at, questions.c.id)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(read_row(Question, row, f"question {row.id}") for row in rows)

    def appointed(self, limit: int = 100) -> tuple[UUID, ...]:
        """The open questions whose plan is due."""
        due = (questions.c.status == "open") & (questions.c.next_at <= func.statement_timestamp())
        query = select(questions.c.id).where(due).order_by(questions.c.next_at).limit(limit)
        return tuple(self._database.run(lambda connection: connection.execute(query).scalars().all()))


class QuestionRecord:
    """A question under its lock and that of its instance.

    :ivar question: as it is now
    """

    def __init__(self, connection: Connection, question: Question) -> None:
        self._connection = connection
        self.question = question

    def set(self, **values: Any) -> None:
        """Write some of its columns; a ``status`` other than open closes it."""
        if values.get("status", "open") != "open":
            values["closed_at"] = func.statement_timestamp()
        statement = update(questions).where(questions.c.id == self.question.id).values(**values)
        self._connection.execute(statement)
        self.question = _get(self._connection, self.question.id)


def lock_question(record: Record, question: UUID) -> QuestionRecord:
    """Lock a question of an instance that is locked already.

    :raises NotFound: there is none of that id
    """
    return QuestionRecord(record.connection, _get(record.connection, question, lock=True))


def _has_ended(connection: Connection, instance: UUID) -> bool:
    """Return whether an instance has ended; it cannot end before this transaction does."""
    query = select(instances.c.status).where(instances.c.id == instance).with_for_update(read=True)
    return connection.execute(query).scalar_one_or_none() in ENDED


def _joined() -> Select[Any]:
    return select(*_COLUMNS).join(instances, instances.c.id == questions.c.instance_id)


def _get(connection: Connection, question: UUID, *, lock: bool = False) -> Question:
    query = _joined().where(questions.c.id == question)
    locked = query.with_for_update(of=questions)
    # A role that may only end what is open cannot lock the rest, which it cannot change either.
    row = (connection.execute(locked).one_or_none() if lock else None) or connection.execute(query).one_or_none()
    if row is None:
        message = f"There is no question {question}"
        raise NotFound(message, pointer=str(question))
    return read_row(Question, row, f"question {row.id}")


def _restricted(only: QuestionFilter) -> Select[Any]:
    query = _joined()
    if only.statuses is not None:
        query = query.where(questions.c.status.in_(sorted(only.statuses)))
    if only.instance_id is not None:
        query = query.where(questions.c.instance_id == only.instance_id)
    if only.workflow_ids is not None:
        query = query.where(instances.c.workflow_id.in_(sorted(only.workflow_ids)))
    if only.keys is not None:
        query = query.where(questions.c["keys"].overlap(bindparam(None, sorted(only.keys), ARRAY(Text))))
    if only.not_for is not None:
        for name in ("id", "name"):
            query = query.where(~questions.c.excluded.contains([{name: only.not_for[name]}]))
    if only.answered_by is not None:
        query = query.where(questions.c.votes.contains([{"by": {"id": only.answered_by}}]))
    return query
