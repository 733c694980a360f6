from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.tasks import registry as registry_module
from airflow_workflow_provider.tasks.registry import Registry, StepContext, workflow_task

CONTEXT = StepContext(instance_id="i", step_id="s", idempotency_key="i/s/1")


@pytest.fixture
def registry() -> Registry:
    return Registry(group=None)


def test_k1_a_decorated_function_becomes_a_task(registry: Registry) -> None:
    @workflow_task(
        "billing.charge", retry_policy={"maxAttempts": 3, "delay": "PT1S"}, timeout="PT1M", registry=registry
    )
    def charge(order: dict[str, Any]) -> dict[str, Any]:
        """Take the money."""
        return {"paid": order["amount"]}

    task = registry.find("billing.charge")

    assert charge({"amount": 1}) == {"paid": 1}
    assert task.call({"amount": 5}, CONTEXT) == {"paid": 5}
    assert task.definition.operator == "python"
    assert task.definition.arguments["callable"] == "billing.charge"
    assert task.definition.description == "Take the money."
    assert task.definition.retry_policies[0].max_attempts == 3
    assert task.definition.timeout == "PT1M"


def test_k1_a_function_with_a_parameter_context_gets_it(registry: Registry) -> None:
    @workflow_task("keyed", registry=registry)
    def keyed(step_input: dict[str, Any], *, context: StepContext) -> dict[str, Any]:
        return {**step_input, "key": context.idempotency_key}

    assert registry.find("keyed").call({"a": 1}, CONTEXT) == {"a": 1, "key": "i/s/1"}


def test_k1_two_functions_with_one_id_are_refused_and_both_are_named(registry: Registry) -> None:
    @workflow_task("twice", registry=registry)
    def first(step_input: dict[str, Any]) -> None: ...

    with pytest.raises(Conflict) as caught:

        @workflow_task("twice", registry=registry)
        def second(step_input: dict[str, Any]) -> None: ...

    assert "first" in caught.value.message
    assert "second" in caught.value.message
    assert caught.value.code == "duplicate-task-id"


def test_the_same_function_may_be_registered_again(registry: Registry) -> None:
    for _ in range(2):

        @workflow_task("again", registry=registry)
        def again(step_input: dict[str, Any]) -> None: ...

    assert [task.definition.task_id for task in registry] == ["again"]


@pytest.mark.parametrize("task_id", ["set", "approval", "workflow:other"])
def test_k1_the_id_of_a_builtin_is_refused(registry: Registry, task_id: str) -> None:
    with pytest.raises(Conflict, match="built-in"):

        @workflow_task(task_id, registry=registry)
        def mine(step_input: dict[str, Any]) -> None: ...


def test_an_unknown_id_names_those_there_are(registry: Registry) -> None:
    @workflow_task("known", registry=registry)
    def known(step_input: dict[str, Any]) -> None: ...

    with pytest.raises(NotFound, match=r"'other'.*\['known'\]"):
        registry.find("other")


def test_k1_entry_points_are_loaded_once_and_a_broken_one_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    registry = Registry()
    module = ModuleType("offered_tasks")

    def offer() -> None:
        calls.append("offer")

        @workflow_task("offered", registry=registry)
        def offered(step_input: dict[str, Any]) -> None: ...

    module.offer = offer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "offered_tasks", module)
    group = registry_module.ENTRY_POINT_GROUP
    points = [EntryPoint("broken", "no_such_module_at_all", group), EntryPoint("good", "offered_tasks:offer", group)]
    monkeypatch.setattr(registry_module, "_entry_points", lambda _: points)

    assert registry.get("offered") is not None
    assert registry.get("absent") is None
    assert calls == ["offer"]
    assert len(registry.problems) == 1
    assert "no_such_module_at_all" in registry.problems[0]
