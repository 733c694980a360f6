"""What a step that asks people makes of the answer, once it goes on (rule K3)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operations.answers import Actor, Answer, Answers
from airflow_workflow_provider.operations.permission import UNRESTRICTED
from airflow_workflow_provider.operators.people import ApprovalOperator, AwaitingAnswer
from airflow_workflow_provider.people.directory import Directory, Person
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.questions import Question, Questions
from tests.support.documents import step, workflow
from tests.support.people import ask_all, start

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

ARGUMENTS: dict[str, Any] = {"subject": "Buy it?", "assignees": {"roles": ["boss"]}}
DOCUMENT = workflow(step("a", "approval", arguments=ARGUMENTS))


def context_of(question: Question) -> Any:
    """Return the context of the attempt that asks."""
    about = {name: getattr(question, name) for name in ("step_id", "scope", "visit", "attempt")}
    about |= {"instance_id": str(question.instance_id), "started_by": None, "changed_by": []}
    return {"workflow": about, "ti": SimpleNamespace(task_id=question.task_id)}


@pytest.fixture
def asked(database_url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, UUID, Database]:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    database = Database(database_url)
    instance = start(database, DOCUMENT)
    question = ask_all(database, instance)["a"]
    return context_of(question), question.id, database


def test_k3_a_role_that_was_removed_takes_no_answer_back(
    asked: tuple[Any, UUID, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, question, database = asked
    operator = ApprovalOperator(task_id="a", arguments=ARGUMENTS)
    with pytest.raises(AwaitingAnswer):
        operator.answered(context)
    boss = Actor(Person("ada", "Ada", roles=frozenset({"boss"})), UNRESTRICTED)
    graph = Graph.of(parse_definition(DOCUMENT))
    Answers(Questions(database), Directory([]), lambda *_: graph).answer(question, boss, Answer("approve"))
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__RESOLVERS", "mapping")
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__PEOPLE", '{"ada": {"roles": ["owner"]}}')

    with pytest.raises(StepFailure, match="role 'boss'"):
        operator.run(context)
    assert operator.answered(context)["decision"] == "approve"
