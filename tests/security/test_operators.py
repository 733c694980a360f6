"""Which operators a definition may name, and which of their arguments it may set."""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import Any

import pytest
from airflow.sdk import BaseOperator

from airflow_workflow_provider.dag.builder import build_dag
from airflow_workflow_provider.errors import InvalidDefinition, StepFailure
from airflow_workflow_provider.model.grants import Grants
from airflow_workflow_provider.model.reach import BASE_ARGUMENTS, Policy, matches_path
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.model.validate import parse_definition, validate_task
from airflow_workflow_provider.operators.catalogue import operator_class, runtime_operator
from airflow_workflow_provider.operators.reach import taken_arguments
from tests.support.documents import step, workflow

BASH = "airflow.providers.standard.operators.bash.BashOperator"
DECIDED = ("run_as_user", "executor_config", "executor", "on_success_callback", "pre_execute", "default_args", "pool",
           "queue", "priority_weight", "params", "email", "outlets", "weight_rule", "sla", "start_date")  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "path", "matched"),
    [
        ("a.b.*", "a.b.C", True),
        ("a.b.*", "a.b.c.D", False),
        ("a.*.C", "a.b.x.C", False),
        ("a.b.**", "a.b.c.d.E", True),
        ("a.b.**", "a.b", False),
        ("**", "a.b", True),
        ("*", "a.b", False),
        ("a.b.C*", "a.b.COperator", True),
        ("a.b.?", "a.b.C", True),
        ("a.?.C", "a...C", False),
        ("a.b.C", "a.b.CD", False),
        ("a.b.C", "x.a.b.C", False),
        ("a.b.[CD]", "a.b.C", False),
        ("a.b.*", "a.b.C\n", False),
        ("a.b.*", "a.b.Ç", False),
    ],
)
def test_a_star_does_not_cross_dots(pattern: str, path: str, matched: bool) -> None:
    assert matches_path(pattern, path) is matched


def test_what_a_module_has_imported_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.providers.standard.operators.bash import BashOperator

    module = ModuleType("allowed_operators_of_test")
    module.Renamed = BashOperator  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    task = TaskDefinition.model_validate({"taskId": "t", "name": "T", "operator": f"{module.__name__}.Renamed"})
    with pytest.raises(InvalidDefinition, match=r"BashOperator.*not allowed"):
        operator_class(task, Policy(operators=(f"{module.__name__}.*",)))
    assert operator_class(task, Policy(operators=(f"{module.__name__}.*", BASH))) is BashOperator


def test_the_list_of_every_operators_arguments_is_airflows() -> None:
    found = {name for name in inspect.signature(BaseOperator.__init__).parameters if name not in ("self", "kwargs")}
    assert found <= BASE_ARGUMENTS


@pytest.mark.parametrize("name", DECIDED)
def test_an_argument_of_every_operator_is_refused_wherever_the_step_runs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS", BASH)
    policy = Policy(operators=(BASH,))
    document = {"taskId": "bash", "name": "Bash", "operator": BASH, "arguments": {"bash_command": "true", name: "x"}}
    found = validate_task(document, policy=policy).diagnostics
    assert [(each.code, each.pointer) for each in found] == [("WF411", f"/arguments/{name}")]

    task = TaskDefinition.model_validate({**document, "arguments": {"bash_command": "true"}})
    with pytest.raises(StepFailure, match=name):
        runtime_operator(task, {"bash_command": "true", name: "x"}, "t", Grants())
    in_a_step = step("a", "bash", arguments={name: "x"})
    back = [{"nextStepId": "a", "condition": "false"}, {"nextStepId": "c"}]
    in_a_loop = [in_a_step, step("b", next=back), step("c")]
    for steps in ([in_a_step], in_a_loop):
        with pytest.raises(InvalidDefinition, match=name):
            build_dag(parse_definition(workflow(*steps), checked=False), {"bash": task}, revision=1)


def test_what_the_administrator_names_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS", BASH)
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATOR_ARGUMENTS", "pool")
    task = TaskDefinition.model_validate({"taskId": "bash", "name": "Bash", "operator": BASH})
    made = runtime_operator(task, {"bash_command": "true", "pool": "small"}, "t", Grants())
    assert made.pool == "small"
    with pytest.raises(StepFailure, match="allowed_operator_arguments"):
        runtime_operator(task, {"bash_command": "true", "queue": "q"}, "t", Grants())


def test_keyword_arguments_of_a_class_let_nothing_through() -> None:
    class Own(BaseOperator):
        def __init__(self, *, mine: Any = None, **kwargs: Any) -> None:
            self.mine = mine
            super().__init__(**kwargs)

    class Derived(Own):
        def __init__(self, *args: Any, more: Any = None, **kwargs: Any) -> None:
            self.more = more
            super().__init__(*args, **kwargs)

    assert taken_arguments(Derived) == {"mine", "more"}


@pytest.mark.parametrize("name", ["run_as_user", "executor_config", "on_failure_callback"])
def test_no_version_is_so_old_that_it_may_run_as_another_user(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS", BASH)
    task = TaskDefinition.model_validate({"taskId": "bash", "name": "Bash", "operator": BASH})
    runtime_operator(task, {"bash_command": "true", "queue": "q"}, "t", Grants(older=True))
    with pytest.raises(StepFailure, match=name):
        runtime_operator(task, {"bash_command": "true", name: "x"}, "t", Grants(older=True))
