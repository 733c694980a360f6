"""Airflow's own form for required actions, as a way to answer questions.

Airflow takes whatever its form sends: it knows neither the form's schema nor roles, votes, claims and four eyes. So
what it would be sent for a question of ours is answered here, by the same rules as everywhere; the rest is passed on to
Airflow untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from airflow_workflow_provider.airflow_db.errors import DATABASE_ERRORS
from airflow_workflow_provider.airflow_db.lookups import task_instance_id
from airflow_workflow_provider.api.access import Access
from airflow_workflow_provider.api.bodies import MAX_BODY, StrictRequest
from airflow_workflow_provider.api.problems import Refused, status_of
from airflow_workflow_provider.api.routes.questions import give_answer
from airflow_workflow_provider.api.security import signed_in
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.errors import NotFound, WorkflowsError
from airflow_workflow_provider.operations.answers import Answer
from airflow_workflow_provider.operators.people import answer_in_form
from airflow_workflow_provider.store.instances import instance_id
from airflow_workflow_provider.vocabulary import ProblemCode
from airflow_workflow_provider.workers.evaluation import evaluating_for

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_workflow_provider.store.questions import Question

ROUTE: Final = ("dags", "dagRuns", "taskInstances")
"""What stands in Airflow's route before the ids of DAG, run and task; a map index and the last word follow."""

LAST: Final = "hitlDetails"


class _Body(BaseModel):
    """The body that Airflow's form sends."""

    model_config = ConfigDict(extra="ignore")

    chosen_options: list[str] = Field(min_length=1, max_length=1)
    params_input: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class _Task:
    """The task instance that an answer is sent to."""

    dag_id: str
    run_id: str
    task_id: str


class RequiredActions:
    """ASGI middleware of Airflow's api-server that takes the answers to our questions.

    :param app: Airflow's application
    :param services: gives access to the layers below
    """

    def __init__(self, app: ASGIApp, services: Callable[[], Services] = Services.configured) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        task = _task_of(scope)
        if task is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            question = await run_in_threadpool(self._question, task)
            if question is None:
                await self._app(scope, receive, send)
                return
            user = await signed_in(request)
            response = await run_in_threadpool(self._answered, question, user, await _body(request))
        except HTTPException as error:
            response = _refusal(error.status_code, str(error.detail))
        except WorkflowsError as error:
            response = _refusal(status_of(error), _words(error))
        except DATABASE_ERRORS:
            response = _refusal(503, "A database could not be reached; try again")
        await response(scope, receive, send)

    def _question(self, task: _Task) -> Question | None:
        """Return the question that a task shows in Airflow, or null where it is none of ours."""
        services = self._services()
        instance = instance_id(task.dag_id, task.run_id)
        asked = services.questions.of_task(instance, task.task_id)
        if len(asked) < 2:  # noqa: PLR2004 - only several leave a choice
            return asked[0] if asked else None
        try:
            shown = services.instances.get(instance).state.shown
        except NotFound:
            return None
        ti_id = task_instance_id(task.dag_id, task.run_id, task.task_id)
        wanted = shown.get(str(ti_id)) if ti_id is not None else None
        found = [each for each in asked if str(each.id) == wanted]
        return (found or [each for each in asked if each.status == "open"] or list(asked))[-1]

    def _answered(self, question: Question, user: BaseUser, body: _Body) -> JSONResponse:
        form, comment = answer_in_form(question, body.params_input)
        given = Answer(body.chosen_options[0], form or None, comment)
        with evaluating_for(str(user.get_id()), "an answer in Airflow's form"):
            changed = give_answer(self._services(), Access(user), "airflow", question.id, given)
        vote = changed.votes[-1]
        return JSONResponse(
            {
                "responded_by": vote["by"],
                "responded_at": vote["at"],
                "chosen_options": [vote["decision"]],
                "params_input": body.params_input,
            }
        )


def _task_of(scope: Scope) -> _Task | None:
    if scope["type"] != "http" or scope["method"].upper() != "PATCH":
        return None
    # Decoded, as Airflow's router compares it, and more generously: Airflow reads a map index of -1.0 too, and proxies
    # before it take repeated slashes for one.
    parts = [part for part in scope["path"].split("/") if part][-8:]
    if len(parts) < 8 or tuple(parts[:6:2]) != ROUTE or parts[-1].strip() != LAST:  # noqa: PLR2004 - as in the route
        return None
    return _Task(*parts[1:6:2])


async def _body(request: Request) -> _Body:
    checked = StrictRequest(request.scope, request.receive)
    await checked.load(MAX_BODY, storable=True)
    try:
        return _Body.model_validate(await checked.json())
    except (ValueError, ValidationError) as error:
        raise Refused(422, f"The answer cannot be read: {str(error)[:500]}", code=ProblemCode.BAD_REQUEST) from None


def _words(error: WorkflowsError) -> str:
    """Return the words for Airflow's form, which shows one text."""
    if isinstance(error, Refused) and error.findings:
        return "; ".join(f"{each.pointer}: {each.message}" for each in error.findings)
    return error.message


def _refusal(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status)
