"""Shows answered questions as answered in Airflow's list of required actions, and wakes their tasks."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from airflow.models.hitl import HITLDetail
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from airflow_workflow_provider.airflow_db.resume_tasks import Waker
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.store.questions import Question, Questions
from airflow_workflow_provider.store.wakeups import CONTINUE, Wakeup

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy.orm import Session

    from airflow_workflow_provider.airflow_db.resume_tasks import Event
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

NOBODY: Final = {"id": "", "name": ""}


def showing_answers(database: Database) -> Event:
    """Return what a waker does with the question that a task waited for: Airflow shows its answer."""
    questions = Questions(database)

    def show(wakeup: Wakeup, found: TaskInstance, session: Session) -> dict[str, Any]:
        if wakeup.question_id is not None:
            try:
                _show(questions.get(wakeup.question_id), UUID(str(found.id)), session)
            except NotFound:
                log.info("Question %s was deleted with its instance", wakeup.question_id)
        # The task reads the answer where it was given; Airflow only wakes it up.
        return CONTINUE

    return show


def _show(question: Question, ti_id: UUID, session: Session) -> None:
    query = select(HITLDetail).where(HITLDetail.ti_id == ti_id).with_for_update(of=HITLDetail)
    detail = session.scalar(query)
    answer = question.answer
    if detail is None or answer is None or detail.response_received:
        return
    if detail.subject != question.subject or set(detail.options) != set(question.options):
        # A task that runs several steps shows one question at a time, and this was another.
        return
    detail.responded_at = datetime.now(UTC)
    detail.responded_by = answer["by"] or NOBODY
    detail.chosen_options = [answer["decision"]]
    detail.params_input = answer["form"]
    session.add(detail)


def wake_for_answers(database: Database) -> None:
    """Wake the tasks whose questions were answered just now; what cannot be woken yet is left to the service."""
    try:
        Waker(database, showing_answers(database)).work()
    except SQLAlchemyError as error:
        log.warning("Tasks could not be woken at once, it is tried again: %s", type(error).__name__)
