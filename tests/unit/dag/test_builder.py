"""From a definition to an Airflow DAG."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.validate import parse_definition, parse_task
from airflow_workflow_provider.operators.catalogue import COMPUTED
from airflow_workflow_provider.settings import load_settings
from tests.support.documents import step

Json = dict[str, Any]

EXAMPLES = Path(__file__).parents[3] / "examples"
SERIALIZE = """
import json, sys
from airflow.serialization.serialized_objects import DagSerialization
from airflow_workflow_provider.dag.source import dag_of
document, tasks = json.load(open(sys.argv[1]))
dag = dag_of(revision=1, definition=json.dumps(document), tasks=json.dumps(tasks))
print(json.dumps(DagSerialization.to_dict(dag), sort_keys=True))
"""


def build(document: Json, *tasks: Json) -> Any:
    from airflow_workflow_provider.dag.builder import build_dag

    parsed = {task["taskId"]: parse_task(task) for task in tasks}
    return build_dag(parse_definition({"name": "W", "version": "1.0.0", **document}), parsed, revision=3)


@pytest.mark.slow
def test_the_same_definition_gives_the_same_dag_in_every_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads((EXAMPLES / "employee-onboarding.json").read_text())
    tasks = [json.loads(file.read_text()) for file in sorted((EXAMPLES / "tasks").glob("*.json"))]
    (tmp_path / "input.json").write_text(json.dumps([document, tasks]))
    other = subprocess.run(
        [sys.executable, "-c", SERIALIZE, str(tmp_path / "input.json")],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    monkeypatch.setattr("sys.argv", ["", str(tmp_path / "input.json")])
    exec(SERIALIZE, {})  # noqa: S102 - our own program
    assert capsys.readouterr().out.splitlines()[-1] == other.stdout.splitlines()[-1]


SCHEDULED = {
    "workflowId": "nightly",
    "inputSchema": {"type": "object", "required": ["day"], "properties": {"day": {"type": "string"}}},
    "triggers": [{"schedule": {"cron": "@daily", "input": {"type": "jmespath", "expression": "{day: localTime}"}}}],
    "steps": [step("a")],
}


@pytest.mark.parametrize("since", [None, ["2026-01-01T00:00:00+00:00"]])
def test_e6_runs_of_a_schedule_have_no_conf_so_no_param_is_required(since: list[str] | None) -> None:
    from airflow_workflow_provider.dag.builder import build_dag
    from airflow_workflow_provider.dag.timetable import WorkflowTimetable

    # The DAG of a version that tasks run has no schedule of its own.
    dag = build_dag(parse_definition({"name": "W", "version": "1.0.0", **SCHEDULED}), revision=3, since=since)
    dag.params.validate()
    assert isinstance(dag.timetable, WorkflowTimetable) == (since is not None)


def test_a_dag_states_what_its_definition_says() -> None:
    dag = build(
        {
            "workflowId": "orders.approve",
            "name": "Approve orders",
            "description": "Decides about orders.",
            "version": "2.1.0",
            "triggers": [{"eventPattern": "orders.*", "description": "An order arrived"}],
            "inputSchema": {
                "type": "object",
                "properties": {
                    "amount": {"type": "number", "minimum": 0, "description": "Total"},
                    "note": {"type": "string"},
                    "currency": {"enum": ["EUR", "USD"], "default": "EUR"},
                },
                "required": ["amount"],
            },
            "steps": [step("check", name="Check it", description="Looks at it")],
        }
    )
    assert (dag.dag_id, dag.dag_display_name, dag.description) == (
        "orders.approve", "Approve orders", "Decides about orders."
    )  # fmt: skip
    assert set(dag.tags) == {"workflow", "version 2.1.0"}
    assert not dag.catchup
    assert "```mermaid" in dag.doc_md
    assert "`orders.*`: An order arrived" in dag.doc_md
    params = {name: dag.params.get_param(name) for name in dag.params}
    assert not params["amount"].has_value
    assert params["amount"].description == "Total"
    assert params["note"].schema["type"] == ["string", "null"]
    assert params["currency"].value == "EUR"
    assert dag.get_task("check").task_display_name == "Check it"


def test_conditions_label_the_edges() -> None:
    dag = build(
        {"workflowId": "w", "steps": [
            step("a", next=[{"nextStepId": "b", "condition": "data.n > 1"}, {"nextStepId": "c"}]),
            step("b", next=[]), step("c"),
        ]}
    )  # fmt: skip
    assert dag.edge_info["a"] == {"b": {"label": "data.n > 1"}, "c": {"label": "otherwise"}}


def test_tasks_between_steps_are_named_after_what_they_stand_for() -> None:
    handler = {"action": "continue", "nextStepId": "c"}
    ends = [step("x", next=[{"nextStepId": "y", "condition": "true"}, {"nextStepId": "end"}]), step("y")]
    dag = build(
        {"workflowId": "w", "steps": [
            step("a", name="Check", next=[{"nextStepId": "b", "condition": "data.n > 1"}, {"nextStepId": "c"}],
                 onFailure=handler),
            step("b", name="Pay", onFailure=handler), step("c"),
            step("p", parallelBranches=[{"branchId": "left", "steps": ends}, {"branchId": "empty", "steps": []}],
                 onFailure={"action": "continue", "nextStepId": "end"}),
        ]}
    )  # fmt: skip
    assert {task.task_id: task.task_display_name for task in dag.tasks if "." in task.task_id} == {
        "a.to.c": "⤷ Check: otherwise",
        "c.on.failure": "⤷ Check, Pay: failed",
        "x.to.end": "⤷ x: otherwise",
        "p.left.end": "⤷ left: end of the branch",
        "p.empty.end": "⤷ empty: end of the branch",
        "p.join": "⤷ p: end of the branches",
        "p.join.failed.end": "⤷ p: failed",
    }


def test_branches_are_boxes_in_boxes() -> None:
    inner = [{"branchId": "deep", "steps": [step("d1")]}]
    dag = build(
        {"workflowId": "w", "steps": [
            step("p", parallelBranches=[{"branchId": "b", "steps": [step("q", parallelBranches=inner)]}])
        ]}
    )  # fmt: skip
    assert dag.get_task("q").task_group.group_id == "p__b"
    assert dag.get_task("d1").task_group.group_id == "q__deep"
    assert dag.get_task("d1").task_group.parent_group.group_id == "p__b"


def test_f2_airflow_leaves_room_for_every_attempt() -> None:
    dag = build(
        {"workflowId": "w", "steps": [
            step("a", retryPolicy=[{"maxAttempts": 3, "delay": "PT7S"}, {"maxAttempts": 2, "retryOn": ["X"]}]),
            step("b", onFailure={"action": "retry"}),
            step("c"),
        ]}
    )  # fmt: skip
    spare = dag.get_task("c").retries
    assert spare > 1
    assert dag.get_task("a").retries == spare + 3
    assert dag.get_task("b").retries == spare + 2
    assert dag.get_task("a").retry_delay.total_seconds() == 7


SELECT = {"type": "jmespath", "expression": "input.t"}


def test_k5_a_step_that_selects_its_task_is_one_task_that_runs_any() -> None:
    from airflow_workflow_provider.operators.region import RegionOperator

    choice = {"oneOf": ["noop", "workflow:other", "approval"], "select": SELECT}
    dag = build({"workflowId": "w", "steps": [{**step("a"), "taskId": choice}, step("b")]})
    assert isinstance(dag.get_task("a"), RegionOperator)
    assert dag.get_task("a").doc_md == "Task `noop | workflow:other | approval`"
    assert dag.get_task("a").downstream_task_ids == {"b"}


def test_k5_every_task_that_can_be_selected_is_looked_at() -> None:
    with pytest.raises(InvalidDefinition, match="'nowhere'"):
        build({"workflowId": "w", "steps": [{**step("a"), "taskId": {"oneOf": ["noop", "nowhere"], "select": SELECT}}]})


def test_k1_an_unknown_task_rejects_the_definition() -> None:
    with pytest.raises(InvalidDefinition, match="'nowhere'"):
        build({"workflowId": "w", "steps": [step("a", "nowhere")]})


def test_k2_an_operator_that_is_not_allowed_rejects_the_definition() -> None:
    task = {"taskId": "run", "name": "Run", "operator": "os.system", "arguments": {}}
    with pytest.raises(InvalidDefinition, match="not allowed"):
        build({"workflowId": "w", "steps": [step("a", "run")]}, task)


@pytest.fixture
def bash_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS", "airflow.providers.standard.operators.**")


BASH: Json = {
    "taskId": "bash",
    "name": "Bash",
    "operator": "airflow.providers.standard.operators.bash.BashOperator",
    "arguments": {"bash_command": "echo 1"},
}


@pytest.mark.usefixtures("bash_allowed")
def test_k3_only_template_fields_take_values_of_the_run() -> None:
    dynamic = {"type": "cel", "expression": "input.x"}
    dag = build({"workflowId": "w", "steps": [step("a", "bash", arguments={"bash_command": dynamic})]}, BASH)
    assert dag.get_task("a").bash_command == COMPUTED
    with pytest.raises(InvalidDefinition, match=r"'skip_on_exit_code'.*must be literals"):
        build({"workflowId": "w", "steps": [step("a", "bash", arguments={"skip_on_exit_code": dynamic})]}, BASH)


@pytest.mark.usefixtures("bash_allowed")
@pytest.mark.parametrize("name", ["retries", "trigger_rule", "on_success_callback", "task_id"])
def test_what_the_workflow_decides_is_no_argument(name: str) -> None:
    with pytest.raises(InvalidDefinition, match=name):
        build({"workflowId": "w", "steps": [step("a", "bash", arguments={name: "x"})]}, BASH)


@pytest.mark.usefixtures("bash_allowed")
def test_data_that_ends_like_a_file_name_is_no_file() -> None:
    dag = build({"workflowId": "w", "steps": [step("a", "bash")]}, BASH)
    assert dag.get_task("a").template_ext == ()


@pytest.mark.usefixtures("bash_allowed")
def test_arguments_that_an_operator_does_not_take_reject_the_definition() -> None:
    with pytest.raises(InvalidDefinition, match="does not take its arguments"):
        build({"workflowId": "w", "steps": [step("a", "bash", arguments={"nonsense": 1})]}, BASH)


PLACED = {"pool": "crm", "poolSlots": 2, "queue": "gpu", "priority": 7, "executor": "LocalExecutor"}


def placed(*steps: Json, allowed: tuple[str, ...]) -> Any:
    from airflow_workflow_provider.dag.builder import build_dag

    document = {"workflowId": "placed", "name": "W", "version": "1.0.0", "steps": list(steps)}
    settings = replace(load_settings(), allowed_operator_arguments=allowed)
    return build_dag(parse_definition(document), revision=3, settings=settings)


@pytest.mark.parametrize("task_id", ["noop", "workflow:other", "forEach"])
def test_t9_a_task_has_the_pool_queue_priority_and_executor_of_its_step(task_id: str) -> None:
    given = step("a", task_id, airflow=PLACED)
    if task_id == "forEach":
        items = {"items": {"type": "jmespath", "expression": "input.xs"}, "steps": [step("b")]}
        given = step("a", forEach=items, airflow=PLACED)
    allowed = ("pool", "pool_slots", "queue", "priority_weight", "executor")
    dag = placed(given, step("z"), allowed=allowed)
    task = dag.get_task("a")
    found = (task.pool, task.pool_slots, task.queue, task.priority_weight, task.executor)
    assert found == ("crm", 2, "gpu", 7, "LocalExecutor")
    assert task.weight_rule == "absolute"
    assert dag.get_task("z").pool == "default_pool"


def test_t9_what_is_not_allowed_any_more_builds_no_dag() -> None:
    with pytest.raises(InvalidDefinition, match="allowed_operator_arguments"):
        placed(step("a", airflow={"queue": "gpu"}), allowed=("pool",))
