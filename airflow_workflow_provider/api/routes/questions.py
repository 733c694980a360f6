"""Questions to people: list, answer, claim, delegate."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query

from airflow_workflow_provider.airflow_db.required_actions_sync import wake_for_answers
from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
from airflow_workflow_provider.api.access import Access
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
from airflow_workflow_provider.instances.session import options_of
from airflow_workflow_provider.model.key_order import in_order_of
from airflow_workflow_provider.operations.answers import Actor, Answer, Answers
from airflow_workflow_provider.operations.permission import Right
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
    return _answer(services, access, answers_of(services).claim(question_id, _actor(access, via)))


@router.post("/questions/{question_id}/release", responses=responses(409))
def release_question(services: ServicesDep, access: AccessDep, via: ViaDep, question_id: UUID) -> Question:
    """Release a question, so that all assignees can answer it."""
    return _answer(services, access, answers_of(services).release(question_id, _actor(access, via)))


@router.post("/questions/{question_id}/delegate", responses=responses(*BODY, 409))
def delegate_question(
    services: ServicesDep, access: AccessDep, via: ViaDep, question_id: UUID, body: DelegateBody
) -> Question:
    """Hand a question to another user."""
    changed = answers_of(services).delegate(question_id, _actor(access, via), body.to, body.reason)
    return _answer(services, access, changed)


def give_answer(services: Services, access: Access, via: str, question_id: UUID, given: Answer) -> StoredQuestion:
    """Count an answer of the user, and wake the task that waits for it.

    :raises NotFound: there is no such question, or the user may not read it
    :raises Forbidden: the user may not answer
    :raises Conflict: the question takes no answer any more
    :raises AnswerRefused: the answer does not fit
    """
    changed = answers_of(services).answer(question_id, _actor(access, via), given)
    if changed.status != "open":
        wake_for_answers(services.database)
    return changed


def _actor(access: Access, via: str) -> Actor:
    return Actor(access.person, access, via)


def answers_of(services: Services) -> Answers:
    """Return what takes answers."""
    settings = services.settings
    return Answers(
        services.questions,
        Directory.configured(settings),
        services.graph,
        server_mask,
        options_of(settings),
        Reconciler(services.operation_context, services.database).agree,
    )


def readable_question(services: Services, access: Access, question_id: UUID, right: Right) -> StoredQuestion:
    """Return a question on whose workflow the user has a right.

    :raises NotFound: there is none, or the user may not read it
    :raises Forbidden: the user may read it, but not this
    """
    stored = services.questions.get(question_id)
    missing = NotFound(f"There is no question {question_id}", pointer=str(question_id))
    access.require(right, stored.workflow_id, missing)
    return stored


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
