"""Questions to people: what is asked of you, and your answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query

from airflow_workflow_provider.airflow_db.required_actions_sync import wake_for_answers
from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
from airflow_workflow_provider.api import audit
from airflow_workflow_provider.api.access import Access, Right
from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, ViaDep, responses
from airflow_workflow_provider.api.question_models import (
    AnswerBody,
    DelegateBody,
    Question,
    QuestionPage,
    QuestionQuery,
)
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.api.visible import visible
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.model.key_order import in_order_of
from airflow_workflow_provider.operations.answers import Actor, Answer, Answers
from airflow_workflow_provider.operations.reconcile import Reconciler
from airflow_workflow_provider.people.directory import Directory, Person
from airflow_workflow_provider.store.questions import Question as StoredQuestion
from airflow_workflow_provider.store.questions import QuestionFilter
from airflow_workflow_provider.vocabulary import ProblemCode

log = logging.getLogger(__name__)

router: Final = APIRouter(tags=["questions"], route_class=StrictRoute)


@router.get("/questions", responses=responses())
def list_questions(services: ServicesDep, access: AccessDep, query: Annotated[QuestionQuery, Query()]) -> QuestionPage:
    """List your questions, or all that you can read, oldest first."""
    answers = answers_of(services)
    person = answers.directory.complete(access.person)
    rights = (Right.ANSWER,) if query.mine else ()
    permitted = visible(services, access, *rights, workflow_id=query.workflow_id)
    only = QuestionFilter(
        workflow_ids=permitted,
        instance_id=query.instance_id,
        statuses=query.status,
        keys=person.keys if query.mine else None,
        not_for=person.to_json() if query.mine else None,
    )
    page = services.questions.page(only, after=query.after, limit=query.limit)
    return QuestionPage(items=[_shown(services, access, answers, person, each) for each in page.items], next=page.next)


@router.get("/questions/{question_id}", responses=responses())
def get_question(services: ServicesDep, access: AccessDep, question_id: UUID) -> Question:
    """Get a question."""
    return _answer(services, access, readable_question(services, access, question_id, Right.READ_INSTANCES))


@router.post("/questions/{question_id}/answer", responses=responses(*BODY, 409))
def answer_question(
    services: ServicesDep, access: AccessDep, via: ViaDep, question_id: UUID, body: AnswerBody
) -> Question:
    """Answer a question; the answer is validated before it counts."""
    given = Answer(body.decision, body.form, body.comment)
    return _answer(services, access, give_answer(services, access, via, question_id, given))


@router.post("/questions/{question_id}/claim", responses=responses(409))
def claim_question(services: ServicesDep, access: AccessDep, via: ViaDep, question_id: UUID) -> Question:
    """Reserve a question for yourself: nobody else may answer it until you release it."""
    return _change(
        services, access, question_id, "claim", lambda answers: answers.claim(question_id, Actor(access.person, via))
    )


@router.post("/questions/{question_id}/release", responses=responses(409))
def release_question(services: ServicesDep, access: AccessDep, via: ViaDep, question_id: UUID) -> Question:
    """Release a question, so that all assignees can answer it."""
    return _change(
        services,
        access,
        question_id,
        "release",
        lambda answers: answers.release(question_id, Actor(access.person, via)),
    )


@router.post("/questions/{question_id}/delegate", responses=responses(*BODY, 409))
def delegate_question(
    services: ServicesDep, access: AccessDep, via: ViaDep, question_id: UUID, body: DelegateBody
) -> Question:
    """Hand a question to another user."""
    return _change(
        services,
        access,
        question_id,
        "delegate",
        lambda answers: answers.delegate(question_id, Actor(access.person, via), body.to, body.reason),
    )


def give_answer(services: Services, access: Access, via: str, question_id: UUID, given: Answer) -> StoredQuestion:
    """Count an answer of the user, and wake the task that waits for it.

    :raises NotFound: there is no such question, or the user may not read it
    :raises Refused: the user may not answer, or the answer does not fit
    """

    def work(answers: Answers) -> StoredQuestion:
        return answers.answer(question_id, Actor(access.person, via), given)

    return _changed(services, access, question_id, "answer", work)


def answers_of(services: Services) -> Answers:
    """Return what takes answers."""
    return Answers(services.questions, Directory.configured(services.settings), services.graph, server_mask)


def readable_question(services: Services, access: Access, question_id: UUID, right: Right) -> StoredQuestion:
    """Return a question on whose workflow the user has a right.

    :raises NotFound: there is none, or the user may not read it
    :raises Refused: 403: the user may read it, but not this
    """
    stored = services.questions.get(question_id)
    missing = NotFound(f"There is no question {question_id}", pointer=str(question_id))
    access.require(right, stored.workflow_id, missing)
    return stored


def _change(
    services: Services,
    access: Access,
    question_id: UUID,
    action: str,
    work: Callable[[Answers], StoredQuestion],
) -> Question:
    return _answer(services, access, _changed(services, access, question_id, action, work))


def _changed(
    services: Services,
    access: Access,
    question_id: UUID,
    action: str,
    work: Callable[[Answers], StoredQuestion],
) -> StoredQuestion:
    stored = readable_question(services, access, question_id, Right.ANSWER)
    audit.record(
        access,
        f"workflow.question.{action}",
        workflow_id=stored.workflow_id,
        run_id=stored.run_id,
        question=str(question_id),
    )
    # What has ended takes no answer: an end that nobody was told of yet is found out here.
    Reconciler(services.operation_context, services.database).agree(stored.instance_id)
    changed = work(answers_of(services))
    if changed.status != "open":
        wake_for_answers(services.database)
    return changed


def _answer(services: Services, access: Access, stored: StoredQuestion) -> Question:
    answers = answers_of(services)
    return _shown(services, access, answers, answers.directory.complete(access.person), stored)


def _shown(services: Services, access: Access, answers: Answers, person: Person, stored: StoredQuestion) -> Question:
    masker = services.question_masker(stored)
    documents: dict[str, Any] = {name: getattr(stored, name) for name in ("subject", "body", "defaults", "votes")}
    documents["answer"] = stored.answer
    written = services.forms(stored.workflow_id, stored.revision).get(stored.step_id)
    refusal = answers.refusal(stored, person) if access.may(Right.ANSWER, stored.workflow_id) else ProblemCode.FORBIDDEN
    return Question.model_validate(
        {
            **vars(stored),
            **masker.mask(documents),
            "schema": in_order_of(stored.schema, written) or None,
            "status": "expired" if stored.is_due else stored.status,
            "may_answer": stored.is_waited_for and refusal is None,
            "refusal": refusal.value if stored.is_waited_for and refusal is not None else None,
        }
    )
