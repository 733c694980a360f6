from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.registry import Registry, workflow_task


def task(task_id: str, operator: str = "noop", **fields: Any) -> TaskDefinition:
    return TaskDefinition.model_validate({"taskId": task_id, "name": task_id, "operator": operator, **fields})


@pytest.fixture
def registry() -> Registry:
    registry = Registry(group=None)

    @workflow_task("mine", registry=registry)
    def mine(step_input: dict[str, Any]) -> None: ...

    return registry


def test_k1_a_task_id_names_a_builtin_a_python_task_or_a_given_one(registry: Registry) -> None:
    catalogue = Catalogue({"table": task("table")}, registry=registry)

    assert {"noop", "mine", "table"} <= catalogue.ids()
    assert [catalogue.get(name).operator for name in ("set", "mine", "table")] == ["set", "python", "noop"]
    assert catalogue.get("unknown") is None


def test_k1_a_given_task_wins_over_a_python_one_and_nothing_over_a_builtin(registry: Registry) -> None:
    catalogue = Catalogue({"mine": task("mine"), "set": task("set", "fail")}, registry=registry)

    assert catalogue.get("mine").operator == "noop"
    assert catalogue.get("set").operator == "set"


def test_k3_the_argument_schema_asks_only_for_what_the_task_does_not_give() -> None:
    given = {"connection": "crm", "path": "/x"}
    catalogue = Catalogue(
        {"crm": task("crm", "http", arguments=given), "op": task("op", "a.b.C")}, registry=Registry(None)
    )

    assert catalogue.argument_schema("http")["required"] == ["path"]
    assert catalogue.argument_schema("crm")["required"] == []
    assert catalogue.argument_schema("op") is None
    assert catalogue.argument_schema("unknown") is None


def test_more_tasks_can_be_laid_on_top(registry: Registry) -> None:
    catalogue = Catalogue({"a": task("a")}, registry=registry).with_tasks([task("b"), task("a", "set")])

    assert catalogue.get("a").operator == "set"
    assert {"a", "b", "mine"} <= catalogue.ids()
