"""What a step that asks people makes of the answer, once it goes on (rule K3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from airflow_workflow_provider.engine.calls import Call
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import cancel
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operations.answers import Actor, Answer, Answers
from airflow_workflow_provider.operations.permission import UNRESTRICTED
from airflow_workflow_provider.operators.people import ApprovalOperator, AwaitingAnswer
from airflow_workflow_provider.operators.results import WorkerResults
from airflow_workflow_provider.operators.step import StepMixin, _Attempt
from airflow_workflow_provider.people.directory import Directory, Person
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.questions import Question, QuestionFilter, Questions
from airflow_workflow_provider.tasks.calls import tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.templates import template_values
from tests.support.documents import step, workflow
from tests.support.people import ask_all, start
from tests.support.store import publish

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

ARGUMENTS: dict[str, Any] = {"subject": "Buy it?", "assignees": {"roles": ["boss"]}}
DOCUMENT = workflow(step("a", "approval", arguments=ARGUMENTS))


def context_of(question: Question) -> Any:
    """Return the context of the attempt that asks."""
    about = {name: getattr(question, name) for name in ("step_id", "scope", "visit", "attempt")}
    about |= {"instance_id": str(question.instance_id), "started_by": None, "changed_by": []}
    return {"workflow": about, "ti": SimpleNamespace(task_id=question.task_id)}


@dataclass(frozen=True)
class Asking:
    """A step that asks people, in its moments.

    :param attempt: of the step, which has begun
    """

    attempt: _Attempt
    questions: Questions

    @property
    def call(self) -> Call:
        assert self.attempt.call is not None
        return self.attempt.call

    def ask(self) -> AwaitingAnswer:
        context: Any = {**template_values(self.call), "ti": SimpleNamespace(task_id="a")}
        with pytest.raises(AwaitingAnswer) as waits:
            ApprovalOperator(task_id="a", arguments=self.call.arguments).run(context)
        return waits.value

    def park(self, waits: AwaitingAnswer) -> None:
        StepMixin._park(SimpleNamespace(), self.attempt, waits)

    def cancel(self) -> None:
        self.attempt.session.change(lambda machine: cancel(machine, "enough", datetime.now(UTC)))

    def decide(self) -> None:
        """End the step in another way; the instance continues."""
        now = datetime.now(UTC)
        self.attempt.session.change(lambda machine: machine.succeed("", "a", self.attempt.runner, {}, now))

    @property
    def found(self) -> list[str]:
        every = self.questions.page(QuestionFilter(statuses=["open", "withdrawn", "answered"])).items
        return [each.status for each in every]


@pytest.fixture
def asking(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Asking:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    monkeypatch.setattr("airflow_workflow_provider.operators.step.show_in_airflow", lambda *_: None)
    database = Database(database_url)
    document = workflow(step("a", "approval", arguments={"subject": "Buy it?"}), step("b"))
    definition = parse_definition(document)
    graph = Graph.of(definition, tasks_of(definition, Catalogue()))
    run, runner = Run(definition.workflow_id, "run-1"), str(uuid4())
    session = InstanceSession(graph, publish(database, document).revision, run, instances=Instances(database))

    def begin(machine: Machine) -> Call:
        machine.begin("", "a", runner, datetime.now(UTC))
        return machine.prepare("", datetime.now(UTC))

    call = session.change(begin)
    return Asking(_Attempt(session, runner, WorkerResults(run.instance_id), call=call), Questions(database))


def test_i1_a_step_that_asks_waits_for_the_answer(asking: Asking) -> None:
    asking.park(asking.ask())

    assert asking.found == ["open"]
    asking.cancel()
    assert asking.found == ["withdrawn"]


def test_i1_a_question_is_withdrawn_with_an_instance_that_ends_before_it_says_that_it_waits(asking: Asking) -> None:
    waits = asking.ask()
    assert asking.found == ["open"]

    asking.cancel()
    assert asking.found == ["withdrawn"]
    asking.park(waits)
    assert asking.found == ["withdrawn"]


def test_i1_an_instance_that_has_ended_asks_nobody(asking: Asking) -> None:
    asking.cancel()

    with pytest.raises(StepFailure, match="withdrawn"):
        asking.ask()
    assert asking.found == ["withdrawn"]


def test_i1_a_step_that_has_ended_withdraws_what_it_asked_while_its_instance_continues(asking: Asking) -> None:
    waits = asking.ask()
    asking.decide()

    asking.park(waits)
    assert asking.found == ["withdrawn"]
    assert asking.attempt.session.open().status == "running"


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
