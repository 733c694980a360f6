"""Questions: asked once an attempt, found by who may answer, withdrawn with what they were part of (K3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import cancel
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances, Record
from airflow_workflow_provider.store.questions import QuestionFilter, Questions
from tests.support.documents import step, workflow
from tests.support.people import ask_all, start

pytestmark = pytest.mark.postgres


def asking(*names: str, **arguments: Any) -> dict[str, Any]:
    steps = [step(name, "approval", arguments={"subject": name, **arguments}) for name in names]
    branches = [{"branchId": f"b-{each['stepId']}", "steps": [each]} for each in steps]
    return workflow(step("all", parallelBranches=branches))


def found(database: Database, **only: Any) -> list[str]:
    return [each.step_id for each in Questions(database).page(QuestionFilter(**only)).items]


def test_k3_people_find_what_asks_them(database: Database) -> None:
    ask_all(database, start(database, asking("a", assignees={"roles": ["boss"], "users": ["ada"]})))

    assert found(database, keys={"role:boss"}) == found(database, keys={"user:ada", "role:x"}) == ["a"]
    assert found(database, keys={"user:boss"}) == found(database, keys={"anyone"}) == []
    assert found(database, statuses=["answered"]) == []


def test_k3_who_started_the_instance_does_not_find_what_excludes_them(database: Database) -> None:
    ask_all(database, start(database, asking("a", excludeInitiator=True), triggered_by="ada"))

    assert found(database, not_for={"id": "7", "name": "ada"}) == []
    assert found(database, not_for={"id": "8", "name": "grace"}) == ["a"]


def test_k3_what_excludes_nobody_is_found_by_who_started_the_instance(database: Database) -> None:
    ask_all(database, start(database, asking("a"), triggered_by="ada"))

    assert found(database, not_for={"id": "7", "name": "ada"}) == ["a"]


def test_pages_continue_where_they_ended(database: Database) -> None:
    ask_all(database, start(database, asking("a", "b", "c")))
    questions = Questions(database)

    first = questions.page(QuestionFilter(), limit=2)
    second = questions.page(QuestionFilter(), after=first.next, limit=2)
    assert sorted(each.step_id for each in (*first.items, *second.items)) == ["a", "b", "c"]
    assert second.next is None


def test_i1_questions_are_withdrawn_with_their_instance(database: Database) -> None:
    instance = start(database, asking("a", "b"))
    ask_all(database, instance)

    def end(record: Record) -> None:
        machine = Machine(Graph.of(parse_definition(asking("a", "b"))), record.state)
        cancel(machine, "enough", datetime.now(UTC))
        record.status = machine.status
        record.save()

    Instances(database).update(instance, end)

    assert found(database) == []
    withdrawn = Questions(database).page(QuestionFilter(statuses=["withdrawn"])).items
    assert [(each.step_id, each.closed_at is not None) for each in withdrawn] == [("a", True), ("b", True)]


def test_i3_an_instance_whose_paths_all_ask_is_suspended(database: Database) -> None:
    instance = start(database, asking("a", "b"))
    ask_all(database, instance)

    assert Instances(database).get(instance).status == "suspended"
