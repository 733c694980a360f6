"""Answers, claims and delegations: who may, what counts, and which of two comes first (rules K3, I3, L1)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import cancel
from airflow_workflow_provider.errors import Conflict, Forbidden, Misuse, NotFound, WorkflowsError
from airflow_workflow_provider.instances.run_conf import ABOUT
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operations.answers import Actor, Answer, Answers
from airflow_workflow_provider.operations.permission import UNRESTRICTED
from airflow_workflow_provider.people.directory import Directory, Person
from airflow_workflow_provider.people.mapping import MappingResolver
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances, Record
from airflow_workflow_provider.store.logs import LogRow, Logs
from airflow_workflow_provider.store.questions import Question, Questions
from airflow_workflow_provider.store.tables import workflow_questions
from airflow_workflow_provider.tasks.questions import AnswerRefused
from airflow_workflow_provider.workers.reminders import Reminder
from tests.support.documents import step, workflow
from tests.support.people import ask_all, start

pytestmark = pytest.mark.postgres

APPROVE, REJECT = Answer("approve"), Answer("reject")
PEOPLE = {
    "ada": {"roles": ["boss"]},
    "grace": {"roles": ["boss"], "groups": ["finance"]},
    "edsger": {"groups": ["finance"]},
    "alan": {},
}


def actor(name: str, via: str = "api") -> Actor:
    return Actor(Person(name, name.capitalize()), UNRESTRICTED, via)


def asking(task_id: str = "approval", more: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    return workflow(step("a", task_id, arguments={"subject": "Buy it?", **arguments}), **(more or {}))


class Desk:
    """One instance that asks one question, and who answers."""

    def __init__(self, database: Database, document: dict[str, Any]) -> None:
        self.database = database
        self.graph = Graph.of(parse_definition(document))
        self.people: dict[str, Any] = {name: dict(each) for name, each in PEOPLE.items()}
        self.answers = Answers(Questions(database), Directory([MappingResolver(self.people)]), lambda *_: self.graph)

    def ask(self, instance: UUID) -> UUID:
        self.instance = instance
        self.question = ask_all(self.database, instance)["a"].id
        return self.question

    def answer(self, name: str, given: Answer = APPROVE) -> Question:
        return self.answers.answer(self.question, actor(name), given)

    def now(self) -> Question:
        return Questions(self.database).get(self.question)

    def log(self, event: str) -> list[LogRow]:
        return [each for each in Logs(self.database).read(self.instance) if each.event == f"question.{event}"]

    def set(self, **values: Any) -> None:
        """Change the stored question, as time would."""
        statement = update(workflow_questions).where(workflow_questions.c.id == self.question).values(**values)
        self.database.run(lambda connection: connection.execute(statement))

    def cancel(self) -> None:
        def work(record: Record) -> None:
            machine = Machine(self.graph, record.state)
            cancel(machine, "enough", datetime.now(UTC))
            record.status = machine.status
            record.save()

        Instances(self.database).update(self.instance, work)


@pytest.fixture
def desk(database: Database) -> Callable[..., Desk]:
    def made(task_id: str = "approval", triggered_by: str | None = None, **arguments: Any) -> Desk:
        document = asking(task_id, **arguments)
        found = Desk(database, document)
        found.ask(start(database, document, triggered_by=triggered_by))
        return found

    return made


def refused(kind: type[WorkflowsError], code: str, work: Callable[[], Any]) -> WorkflowsError:
    with pytest.raises(kind) as caught:
        work()
    assert caught.value.code == code
    return caught.value


def test_k3_an_answer_lets_the_step_continue_and_is_written_down(desk: Callable[..., Desk]) -> None:
    asked = desk(assignees={"roles": ["boss"]})
    assert Instances(asked.database).get(asked.instance).status == "suspended"

    changed = asked.answers.answer(asked.question, actor("ada", "ui"), Answer("approve", comment="go"))

    assert (changed.status, changed.closed_at is not None) == ("answered", True)
    assert changed.answer is not None
    assert (changed.answer["by"], changed.answer["comment"]) == ({"id": "ada", "name": "Ada"}, "go")
    assert Instances(asked.database).get(asked.instance).status == "running"
    (row,) = asked.log("answered")
    assert (row.actor, row.message, row.step_id, row.visit) == ({"id": "ada", "name": "Ada"}, "go", "a", 1)
    assert row.data == {
        "question": str(asked.question),
        "decision": "approve",
        "form": {},
        "comment": "go",
        "via": "ui",
    }


def test_k3_who_is_not_asked_may_not(desk: Callable[..., Desk]) -> None:
    asked = desk(assignees={"roles": ["boss"], "users": ["edsger"]})
    for name in ("alan", "boss"):
        error = refused(Forbidden, "not-asked", partial(asked.answer, name))
        assert "role:boss, user:edsger" in error.message or "user:edsger, role:boss" in error.message
    assert not asked.answers.may_answer(asked.now(), Person("alan", "Alan"))
    assert asked.answer("edsger").status == "answered"


def test_k3_roles_count_as_they_are_when_the_answer_comes(desk: Callable[..., Desk]) -> None:
    asked = desk(assignees={"roles": ["boss"], "groups": ["sales"]})
    asked.people["ada"]["roles"] = []
    refused(Forbidden, "not-asked", lambda: asked.answer("ada"))
    asked.people["alan"]["groups"] = ["sales"]
    assert asked.answer("alan").status == "answered"


def test_k3_what_is_over_is_not_answered(desk: Callable[..., Desk]) -> None:
    answered = desk()
    answered.answer("ada")
    refused(Conflict, "question-answered", lambda: answered.answer("grace"))
    refused(Conflict, "question-answered", lambda: answered.answer("ada", REJECT))
    for work in (
        lambda: answered.answers.claim(answered.question, actor("ada")),
        lambda: answered.answers.release(answered.question, actor("ada")),
        lambda: answered.answers.delegate(answered.question, actor("ada"), "grace"),
    ):
        refused(Conflict, "question-answered", work)


def test_k3_what_is_due_is_not_answered_even_before_anybody_noticed(desk: Callable[..., Desk]) -> None:
    asked = desk(timeout="PT1H")
    asked.set(due_at=datetime.now(UTC) - timedelta(seconds=1))
    assert asked.now().status == "open"
    refused(Conflict, "question-expired", lambda: asked.answer("ada"))
    assert not asked.answers.may_answer(asked.now(), Person("ada", "Ada"))


def test_k3_what_nobody_waits_for_is_not_answered(desk: Callable[..., Desk]) -> None:
    asked = desk()
    asked.cancel()
    refused(Conflict, "question-withdrawn", lambda: asked.answer("ada"))
    # Also where the row is open still, though the step has gone on.
    asked.set(status="open", closed_at=None)
    refused(Conflict, "question-withdrawn", lambda: asked.answer("ada"))


def test_a_question_that_is_not_there(desk: Callable[..., Desk]) -> None:
    asked = desk()
    asked.question = uuid4()
    refused(NotFound, "not-found", lambda: asked.answer("ada"))


def test_k3_what_does_not_fit_changes_nothing(desk: Callable[..., Desk]) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}, "required": ["name"]}
    asked = desk("form", schema=schema, options=["send", "drop"], commentRequired=["drop"])
    with pytest.raises(AnswerRefused) as caught:
        asked.answer("ada", Answer("keep", {"n": "x"}))
    assert [each["pointer"] for each in caught.value.findings] == ["/decision", "/form", "/form/n"]
    with pytest.raises(AnswerRefused) as caught:
        asked.answer("ada", Answer("drop", comment=" "))
    assert [each["pointer"] for each in caught.value.findings] == ["/comment"]
    assert (asked.log("answered"), asked.now().votes) == ([], [])
    assert asked.answer("ada", Answer("send", {"name": "x"})).votes[0]["form"] == {"name": "x", "n": 3}


def test_k3_so_many_have_to_approve(desk: Callable[..., Desk]) -> None:
    asked = desk(minApprovals=2, assignees={"roles": ["boss"], "groups": ["finance"]})
    first = asked.answer("ada")
    assert (first.status, len(first.votes), first.answer) == ("open", 1, None)
    assert Instances(asked.database).get(asked.instance).status == "suspended"
    refused(Conflict, "already-voted", lambda: asked.answer("ada"))
    assert not asked.answers.may_answer(first, Person("ada", "Ada", frozenset({"boss"})))
    refused(Conflict, "question-shared", lambda: asked.answers.claim(asked.question, actor("grace")))
    second = asked.answer("edsger")
    assert (second.status, [each["by"]["id"] for each in second.votes]) == ("answered", ["ada", "edsger"])
    assert [len(asked.log("voted")), len(asked.log("answered"))] == [1, 1]


def test_k3_one_other_vote_decides(desk: Callable[..., Desk]) -> None:
    asked = desk(minApprovals=3)
    asked.answer("ada")
    decided = asked.answer("grace", REJECT)
    assert decided.answer is not None
    assert (decided.status, decided.answer["decision"]) == ("answered", "reject")


def test_k3_a_vote_that_was_stored_already_counts_once(
    desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost in the moment of the commit: what is done again must notice."""
    asked = desk(minApprovals=2)
    original = Questions.change

    def twice(self: Questions, *given: Any) -> Any:
        original(self, *given)
        return original(self, *given)

    monkeypatch.setattr(Questions, "change", twice)
    assert len(asked.answer("ada").votes) == 1
    assert asked.answer("grace").status == "answered"
    assert [len(asked.log("voted")), len(asked.log("answered"))] == [1, 1]


@pytest.mark.parametrize("needed", [1, 2])
def test_k3_claiming_and_delegating_twice_is_done_once(
    desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, needed: int
) -> None:
    asked = desk(minApprovals=needed, assignees={"roles": ["boss"]})
    original = Questions.change

    def twice(self: Questions, *given: Any) -> Any:
        original(self, *given)
        return original(self, *given)

    monkeypatch.setattr(Questions, "change", twice)
    if needed == 1:
        asked.answers.claim(asked.question, actor("ada"))
        asked.answers.release(asked.question, actor("ada"))
        assert [len(asked.log("claimed")), len(asked.log("released"))] == [1, 1]
    changed = asked.answers.delegate(asked.question, actor("ada"), "alan")
    assert changed.keys == ["role:boss", "user:alan"]
    assert len(asked.log("delegated")) == 1


def test_k3_a_claimed_question_is_its_owner_s(desk: Callable[..., Desk]) -> None:
    asked = desk(assignees={"roles": ["boss"]})
    refused(Forbidden, "not-asked", lambda: asked.answers.claim(asked.question, actor("alan")))
    claimed = asked.answers.claim(asked.question, actor("ada"))
    assert claimed.claimed_by == {"id": "ada", "name": "Ada"}
    assert not asked.answers.may_answer(claimed, Person("grace", "Grace", frozenset({"boss"})))
    for work in (
        lambda: asked.answer("grace"),
        lambda: asked.answers.claim(asked.question, actor("grace")),
        lambda: asked.answers.release(asked.question, actor("grace")),
        lambda: asked.answers.delegate(asked.question, actor("grace"), "alan"),
    ):
        assert "Ada has claimed" in refused(Conflict, "question-claimed", work).message
    asked.answers.release(asked.question, actor("ada"))
    assert asked.answer("grace").status == "answered"
    assert [each.actor and each.actor["id"] for each in asked.log("claimed") + asked.log("released")] == ["ada", "ada"]


def test_k3_a_question_is_handed_on(desk: Callable[..., Desk]) -> None:
    asked = desk(assignees={"roles": ["boss"]})
    refused(Forbidden, "not-asked", lambda: asked.answers.delegate(asked.question, actor("alan"), "edsger"))
    error = refused(Misuse, "unknown-user", lambda: asked.answers.delegate(asked.question, actor("ada"), "nobody"))
    assert error.pointer == "/to"
    changed = asked.answers.delegate(asked.question, actor("ada"), "alan", "on leave")
    assert changed.claimed_by == {"id": "alan", "name": "alan"}
    (row,) = asked.log("delegated")
    assert row.data is not None
    assert (row.message, row.data["to"], row.data["via"]) == ("on leave", "alan", "api")
    refused(Conflict, "question-claimed", lambda: asked.answer("ada"))
    # Who got it may hand it on.
    asked.answers.delegate(asked.question, actor("alan"), "edsger")
    refused(Conflict, "question-claimed", lambda: asked.answer("alan"))
    assert asked.answer("edsger").status == "answered"


def test_k3_a_shared_question_is_handed_on_without_being_kept_from_others(desk: Callable[..., Desk]) -> None:
    asked = desk(minApprovals=2, assignees={"users": ["ada", "grace"]})
    assert asked.answers.delegate(asked.question, actor("ada"), "alan").claimed_by is None
    asked.answer("alan")
    assert asked.answer("grace").status == "answered"


def test_k3_whom_it_was_escalated_to_may_answer(desk: Callable[..., Desk]) -> None:
    asked = desk(assignees={"users": ["ada"]}, escalations=[{"after": "PT1H", "assignees": {"groups": ["finance"]}}])
    refused(Forbidden, "not-asked", lambda: asked.answer("edsger"))
    assert asked.now().next_at is not None
    asked.set(next_at=datetime.now(UTC) - timedelta(seconds=1))
    Reminder(asked.database, {}).work(datetime.now(UTC) + timedelta(hours=2))
    assert asked.now().keys == ["user:ada", "group:finance"]
    assert asked.answer("edsger").status == "answered"


# Four eyes


def opened(database: Database, document: dict[str, Any], run: Run) -> UUID:
    """Make the instance of a DAG run, as its first step does."""
    definition = parse_definition(document)
    revision = Definitions(database).publish(definition, document).revision
    ledger = InstanceSession(
        Graph.of(definition), revision, run, instances=Instances(database), settings=load_settings()
    )
    ledger.change(lambda _: None)
    return run.instance_id


FORGED = {ABOUT: {"startedBy": {"id": "grace", "name": "Grace"}}}
STARTS = {
    "by the API": (Run("example", "api__1", {}, "Ada"), "ada"),
    "in Airflow": (Run("example", "manual__1", {}, "Ada"), "ada"),
    "in Airflow, forged": (Run("example", "manual__2", FORGED, "Ada"), "ada"),
    "by an event": (Run("example", "event__1", {}, None), None),
    "by a step": (Run("example", "step__1", {}, None), "ada"),
}


@pytest.mark.parametrize("how", STARTS)
def test_k3_four_eyes_exclude_who_started_it_however_it_was_started(database: Database, how: str) -> None:
    run, initiator = STARTS[how]
    if how == "by a step":
        announced = Instances(database).starts.announce(run.instance_id, {"startedBy": {"name": "Ada"}})
        run = replace(run, conf={ABOUT: {"start": announced.token}})
    document = asking(excludeInitiator=True)
    asked = Desk(database, document)
    asked.ask(opened(database, document, run))

    if initiator is not None:
        error = refused(Forbidden, "initiator-excluded", lambda: asked.answer(initiator))
        assert "four eyes" in error.message
        refused(Forbidden, "initiator-excluded", lambda: asked.answers.claim(asked.question, actor(initiator)))
        refused(Forbidden, "initiator-excluded", lambda: asked.answers.delegate(asked.question, actor("ada"), "grace"))
        # Nor is it handed to them, by id or by name.
        for name in ("ada", "Ada"):
            asked.people.setdefault(name, {})
        refused(Misuse, "initiator-excluded", lambda: asked.answers.delegate(asked.question, actor("grace"), "Ada"))
        asked.answers.delegate(asked.question, actor("grace"), "ada")
        refused(Forbidden, "initiator-excluded", lambda: asked.answer("ada"))
        asked.set(claimed_by=None)
        assert asked.answer("grace").status == "answered"
    else:
        assert asked.answer("ada").status == "answered"


def test_k3_without_four_eyes_who_started_it_may_answer(desk: Callable[..., Desk]) -> None:
    assert desk(triggered_by="Ada").answer("ada").status == "answered"


# Secrets


SECRET = "correct-horse"
SECRET_FORM = {
    "type": "object",
    "properties": {"pin": {"type": "string", "writeOnly": True}, "who": {"type": "string"}},
}
INPUT_SCHEMA = {"type": "object", "properties": {"token": {"type": "string", "format": "password"}}}


def test_l4_secrets_of_form_and_input_are_not_in_the_log(database: Database) -> None:
    document = asking("form", {"inputSchema": INPUT_SCHEMA}, schema=SECRET_FORM)
    asked = Desk(database, document)
    asked.ask(opened(database, document, Run("example", "r", {"token": "input-secret"})))
    given = {"pin": SECRET, "who": "me, with input-secret"}
    answered = asked.answer("ada", Answer("submit", given, "the token is input-secret"))

    assert answered.votes[0]["form"] == given
    (row,) = asked.log("answered")
    assert row.message == "the token is ***"
    assert row.data is not None
    assert row.data["form"] == {"pin": "***", "who": "me, with ***"}
    assert SECRET not in str(row)


def test_l4_a_comment_does_not_reveal_what_the_form_hides(desk: Callable[..., Desk]) -> None:
    asked = desk("form", schema=SECRET_FORM)
    asked.answer("ada", Answer("submit", {"pin": SECRET}, f"the pin is {SECRET}"))
    (row,) = asked.log("answered")
    assert SECRET not in str(row)


def test_l4_a_form_whose_schema_is_computed_hides_its_secrets_too(database: Database) -> None:
    document = asking("form", schema={"type": "jmespath", "expression": "input.schema"})
    asked = Desk(database, document)
    run = Run("example", "r", {"schema": SECRET_FORM})
    asked.ask(opened(database, document, run))
    answered = asked.answer("ada", Answer("submit", {"pin": SECRET}))
    assert answered.answer is not None
    (row,) = asked.log("answered")
    assert SECRET not in str(row)

    # The step's output, and whatever else tells it, in the rows that follow.
    output = {**answered.answer, "votes": answered.votes, "said": f"it is {SECRET}"}
    graph = asked.graph
    ledger = InstanceSession(graph, 1, run, instances=Instances(database), settings=load_settings())
    ledger.change(lambda machine: machine.succeed("", "a", "test", output, datetime.now(UTC)))
    rows = Logs(database).read(asked.instance)
    assert {"step.completed", "instance.completed"} <= {each.event for each in rows}
    assert SECRET not in str(rows)


def test_l4_the_forms_of_votes_are_hidden_too_where_the_time_decides(database: Database) -> None:
    document = asking("form", schema={"type": "jmespath", "expression": "input.schema"}, minApprovals=2)
    asked = Desk(database, document)
    asked.ask(opened(database, document, Run("example", "r", {"schema": SECRET_FORM})))
    asked.answer("ada", Answer("submit", {"pin": SECRET}))
    state = Instances(database).get(asked.instance).state
    assert state.instance.secrets == [["pin"]]


# Races


def race(*works: Callable[[], Any]) -> list[Any]:
    """Do several things in the same moment; return what they gave or raised."""
    barrier = threading.Barrier(len(works))

    def go(work: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return work()
        except WorkflowsError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(go, works))


@pytest.fixture
def many(database: Database) -> Callable[..., Desk]:
    numbers = iter(range(1000))

    def made(**arguments: Any) -> Desk:
        document = asking(**arguments)
        found = Desk(database, document)
        found.ask(opened(database, document, Run("example", f"run-{next(numbers)}")))
        return found

    return made


def test_k3_of_two_answers_at_once_exactly_one_wins(many: Callable[..., Desk]) -> None:
    for _ in range(10):
        asked = many()
        found = race(partial(asked.answer, "ada"), partial(asked.answer, "grace", REJECT))
        (won,) = [each for each in found if isinstance(each, Question)]
        (lost,) = [each for each in found if isinstance(each, Conflict)]
        assert lost.code == "question-answered"
        assert asked.now().answer == won.answer
        assert len(asked.now().votes) == len(asked.log("answered")) == 1


def test_k3_of_an_answer_and_a_cancellation_at_once_exactly_one_wins(many: Callable[..., Desk]) -> None:
    codes = set()
    for _ in range(20):
        asked = many()
        answered, _cancelled = race(partial(asked.answer, "ada"), asked.cancel)
        instance, status = Instances(asked.database).get(asked.instance), asked.now().status
        assert instance.status == "failed"
        if isinstance(answered, Conflict):
            codes.add(answered.code)
            assert (status, asked.now().answer, len(asked.log("answered"))) == ("withdrawn", None, 0)
        else:
            assert (status, len(asked.log("answered"))) == ("answered", 1)
    assert codes <= {"question-withdrawn"}


def test_k3_of_votes_at_once_each_counts_and_one_decides(many: Callable[..., Desk]) -> None:
    for _ in range(5):
        asked = many(minApprovals=2)
        found = race(*(partial(asked.answer, name) for name in ("ada", "grace", "edsger", "alan")))
        assert len([each for each in found if isinstance(each, Question)]) == 2
        assert {each.code for each in found if isinstance(each, Conflict)} == {"question-answered"}
        assert len({vote["by"]["id"] for vote in asked.now().votes}) == 2


def test_k3_of_two_claims_at_once_one_wins(many: Callable[..., Desk]) -> None:
    for _ in range(5):
        asked = many()
        found = race(*(partial(asked.answers.claim, asked.question, actor(name)) for name in ("ada", "grace")))
        assert sorted(type(each).__name__ for each in found) == ["Conflict", "Question"]
