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
    Candidate,
    CandidateList,
    CandidateQuery,
    DelegateBody,
    Myself,
    Question,
    QuestionDetail,
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
    """List your questions, or all that you can read, oldest first; or those that you answered, newest first."""
    answers = answers_of(services)
    person = answers.directory.complete(access.person)
    mine = query.mine and not query.answered
    permitted = visible(services, access, *((Right.ANSWER,) if mine else ()), workflow_id=query.workflow_id)
    only = QuestionFilter(
        workflow_ids=permitted,
        instance_id=query.instance_id,
        statuses=query.status or (None if query.answered else ("open",)),
        keys=person.keys if mine else None,
        not_for=person.to_json() if mine else None,
        answered_by=person.id if query.answered else None,
    )
    page = services.questions.page(only, after=query.after, limit=query.limit, newest=query.answered)
    return QuestionPage(items=[_shown(services, access, answers, person, each) for each in page.items], next=page.next)


@router.get("/me", responses=responses())
def get_me(services: ServicesDep, access: AccessDep) -> Myself:
    """Get yourself: your id and name, and your roles and groups as the resolvers know them."""
    person = answers_of(services).directory.complete(access.person)
    return Myself(id=person.id, name=person.name, roles=sorted(person.roles), groups=sorted(person.groups))


@router.get("/questions/{question_id}", responses=responses())
def get_question(services: ServicesDep, access: AccessDep, question_id: UUID) -> QuestionDetail:
    """Get a question with the input of its instance; secrets are masked."""
    stored = readable_question(services, access, question_id, Right.READ_INSTANCES)
    masked = services.question_masker(stored).mask({"input": stored.input})
    schema = services.input_schema(stored.workflow_id, stored.revision)
    shown = _answer(services, access, stored).model_dump()
    return QuestionDetail.model_validate({**shown, **masked, "input_schema": schema or None})


@router.get("/questions/{question_id}/candidates", responses=responses(409))
def list_candidates(
    services: ServicesDep, access: AccessDep, via: ViaDep, question_id: UUID, query: Annotated[CandidateQuery, Query()]
) -> CandidateList:
    """List users to whom you can hand a question, as far as the resolvers know them, at most 20."""
    found = answers_of(services).candidates(question_id, _actor(access, via), query.search)
    return CandidateList(items=[Candidate(user=user, name=name) for user, name in found])


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
    masked = masker.mask(documents)
    own = [shown for vote, shown in zip(stored.votes, masked["votes"], strict=True) if person.is_same(vote["by"])]
    return Question.model_validate(
        {
            **vars(stored),
            **masked,
            "own_vote": own[0] if own else None,
            "workflow_name": services.definition(stored.workflow_id, stored.revision).name,
            "option_labels": stored.option_labels or {},
            "schema": in_order_of(stored.schema, written) or None,
            "status": "expired" if stored.is_due else stored.status,
            "may_answer": stored.is_waited_for and refusal is None,
            "refusal": refusal.value if stored.is_waited_for and refusal is not None else None,
        }
    )
