"""Reminders and escalations of questions that nobody has answered yet."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.engine.stored_state import StateUnreadable
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.people.notifiers import listening
from airflow_workflow_provider.store.logs import LogEntry
from airflow_workflow_provider.store.named import named
from airflow_workflow_provider.store.notifications import add_notifications
from airflow_workflow_provider.store.questions import Questions
from airflow_workflow_provider.tasks.questions import joined, keys_of
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.instances import Record
    from airflow_workflow_provider.store.questions import Question, QuestionRecord
    from airflow_workflow_provider.tasks.questions import Assignees

log = logging.getLogger(__name__)


class Reminder:
    """Carries out the plans of questions; any number of processes may do so at once.

    :param notifiers: as they are configured, by name
    """

    def __init__(self, database: Database, notifiers: Mapping[str, Any]) -> None:
        self._questions = Questions(database)
        self._notifiers = notifiers

    def work(self, now: datetime | None = None) -> int:
        """Do what is due; return for how many questions it was done."""
        done = 0
        for wanted in self._questions.appointed():
            with named(question_id=wanted):
                done += self._kept(wanted, now)
        return done

    def _kept(self, wanted: UUID, now: datetime | None) -> bool:
        try:
            self._questions.change(wanted, lambda record, found: self._keep(record, found, now or datetime.now(UTC)))
        except (StateUnreadable, NotFound) as error:
            # The row was changed or deleted; the others must not wait for it.
            log.warning("%s", error.message)
            return False
        return True

    def _keep(self, record: Record, found: QuestionRecord, now: datetime) -> None:
        question = found.question
        if not question.is_waited_for:
            found.set(next_at=None)
            return
        due = [each for each in question.plan if moment(each["at"]) <= now]
        rest = [each for each in question.plan if moment(each["at"]) > now]
        assignees, keys = question.assignees, list(question.keys)
        for each in due:
            occasion = "reminder"
            if each["assignees"] is not None:
                occasion, assignees = "escalated", joined(assignees, each["assignees"])
                keys = list(dict.fromkeys([*keys, *keys_of(each["assignees"])]))
            notified = listening(self._notifiers, occasion, question.notifiers)
            add_notifications(record.connection, occasion, notified, question.instance_id, question.id)
            record.log([_entry(question, each["assignees"], now)])
        found.set(plan=rest, next_at=moment(rest[0]["at"]) if rest else None, assignees=assignees, keys=keys)


def _entry(question: Question, assignees: Assignees | None, now: datetime) -> LogEntry:
    data: dict[str, Any] = {"question": str(question.id)}
    if assignees is not None:
        data["assignees"] = assignees
    return LogEntry(
        LogEvent.QUESTION_REMINDED if assignees is None else LogEvent.QUESTION_ESCALATED,
        at=now,
        step_id=question.step_id,
        scope=question.scope,
        visit=question.visit,
        attempt=question.attempt,
        data=data,
    )
