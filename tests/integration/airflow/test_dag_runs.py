"""DAGs of definitions, run by Airflow in this process: tasks, states, decisions and what is stored of them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import DAG_SHAPE_OF_CATCHES
from tests.support.dag_runs import Workflows
from tests.support.documents import step

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

Json = dict[str, Any]


def jmespath(expression: str) -> Json:
    return {"type": "jmespath", "expression": expression}


def cel(expression: str) -> Json:
    return {"type": "cel", "expression": expression}


FAIL: Json = {"taskId": "fail", "arguments": {"type": "Nope", "code": "E1", "message": "no"}}


def test_t3_the_first_condition_that_holds_is_followed(workflows: Workflows) -> None:
    ran = workflows.run(
        step("a", "set", arguments={"n": 5}, next=[
            {"nextStepId": "big", "condition": "data.n > 3"}, {"nextStepId": "small"}]),
        step("big", next=[]),
        step("small"),
    )  # fmt: skip
    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert ran.tasks == {"a": "success", "big": "success", "small": "skipped", "end": "success"}


def test_t4_a_step_that_chose_fail_is_completed_and_the_run_fails(workflows: Workflows) -> None:
    ran = workflows.run(step("a", next=[{"nextStepId": "fail"}]))
    assert (ran.state, ran.instance.status) == ("failed", "failed")
    assert ran.tasks == {"a": "success", "fail": "failed", "end": "upstream_failed"}
    assert ran.instance.error is not None
    assert ran.instance.error["type"] == "WorkflowFailed"


def test_t6_a_loop_is_one_task(workflows: Workflows) -> None:
    ran = workflows.run(
        step("a", "set", arguments={"n": cel("has(data.n) ? data.n + 1 : 1")}),
        step("b", next=[{"nextStepId": "a", "condition": "data.n < 4"}, {"nextStepId": "c"}]),
        step("c"),
    )
    assert ran.tasks == {"a.loop": "success", "c": "success", "end": "success"}
    assert ran.instance.state.data["n"] == 4
    assert ran.instance.state.steps["b"].visit == 4


def test_f4_a_handled_failure_stays_red_and_the_run_continues(workflows: Workflows) -> None:
    ran = workflows.run(
        step("a", **{k: v for k, v in FAIL.items() if k == "arguments"}, onFailure={
            "errorHandler": {"conditions": [{"errorType": "Nope", "nextStepId": "h"}]}}) | {"taskId": "fail"},
        step("b"),
        step("h", "set", arguments={"why": jmespath("error.code")}),
    )  # fmt: skip
    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert ran.tasks == {
        "a": "failed", "b": "upstream_failed", "h": "success", "end": "success"
    }  # fmt: skip
    assert ran.steps == {"a": "failed", "h": "completed"}
    assert ran.instance.output == {"why": "E1"}


def test_f4_a_run_of_a_revision_with_catches_continues_as_it_began(workflows: Workflows) -> None:
    handler = {"action": "continue", "nextStepId": "h"}
    ran = workflows.run(
        step("a"), {"stepId": "b", **FAIL, "onFailure": handler}, step("c", next=[]), step("h"),
        dag_shape=DAG_SHAPE_OF_CATCHES,
    )  # fmt: skip
    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert ran.tasks == {
        "a": "success", "b": "failed", "b.catch": "success", "c": "upstream_failed", "h": "success", "end": "success"
    }  # fmt: skip


def test_f4_a_failure_may_end_the_workflow_well(workflows: Workflows) -> None:
    ran = workflows.run({"stepId": "a", **FAIL, "onFailure": {"action": "continue", "nextStepId": "end"}}, step("b"))
    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert ran.tasks == {"a": "failed", "b": "upstream_failed", "a.failed.end": "success", "end": "success"}


def test_f4_a_step_with_branches_that_fails_is_handled_by_what_follows_normally_too(workflows: Workflows) -> None:
    ran = workflows.run(
        step("p", parallelBranches=[
            {"branchId": "x", "steps": [step("x1"), step("x2")]},
            {"branchId": "y", "steps": [
                {"stepId": "y1", **FAIL, "onFailure": {"action": "continue", "nextStepId": "y3"}},
                step("y2"),
                step("y3"),
            ]},
            {"branchId": "z", "steps": [{"stepId": "z1", **FAIL}]},
        ], onFailure={"action": "continue"}),
        step("q"),
    )  # fmt: skip
    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert {name: state for name, state in ran.tasks.items() if state != "success"} == {
        "y1": "failed", "y2": "upstream_failed", "z1": "failed", "p.join": "failed"
    }  # fmt: skip


def test_f4_an_unhandled_failure_fails_run_and_instance(workflows: Workflows) -> None:
    ran = workflows.run(step("a"), {"stepId": "b", **FAIL}, step("c"))
    assert (ran.state, ran.instance.status) == ("failed", "failed")
    assert ran.tasks == {"a": "success", "b": "failed", "c": "upstream_failed", "end": "upstream_failed"}
    assert ran.instance.completed_at is not None


def test_f7_compensations_run_newest_first_before_the_handler(workflows: Workflows) -> None:
    ran = workflows.run(
        step("a", compensation={"taskId": "noop"}),
        step("b", compensation={"taskId": "noop"}),
        {"stepId": "c", **FAIL},
        step("tell"),
        onFailure={"action": "stop", "compensate": True, "nextStepId": "tell"},
    )
    assert (ran.state, ran.instance.status) == ("failed", "failed")
    assert {name: state for name, state in ran.tasks.items() if state in ("success", "failed")} == {
        "a": "success", "b": "success", "c": "failed", "fail.on_failure": "success",
        "tell": "success", "fail": "failed",
    }  # fmt: skip
    assert ran.instance.error is not None
    assert ran.instance.error["details"]["compensated"] == [
        {"stepId": "b", "visit": 1, "status": "completed"},
        {"stepId": "a", "visit": 1, "status": "completed"},
    ]


def test_p1_branches_run_side_by_side_and_meet_in_the_join(workflows: Workflows) -> None:
    ran = workflows.run(
        step("p", "set", arguments={"own": 1}, parallelBranches=[
            {"branchId": "x", "steps": [step("x1", "set", arguments={"x": 1}), step("x2")]},
            {"branchId": "y", "steps": [step("y1", "set", arguments={"y": 2})]},
            {"branchId": "empty", "steps": []},
        ]),
        step("q"),
    )  # fmt: skip
    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert set(ran.tasks.values()) == {"success"}
    assert ran.instance.state.steps["p"].output == {
        "task": {"own": 1},
        "branches": {"x": {}, "y": {"y": 2}, "empty": {}},
    }


def test_p2_a_branch_that_fails_fails_its_step_after_the_others_ended(workflows: Workflows) -> None:
    ran = workflows.run(
        step("p", parallelBranches=[
            {"branchId": "x", "steps": [step("x1"), step("x2")]},
            {"branchId": "y", "steps": [{"stepId": "y1", **FAIL}, step("y2")]},
        ], onFailure={"errorHandler": {"conditions": [{"errorType": "Nope", "nextStepId": "r"}]}}, next=[]),
        step("r"),
    )  # fmt: skip
    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert ran.tasks["p.join"] == "failed"
    assert ran.steps == {"p": "failed", "x1": "completed", "x2": "completed", "y1": "failed", "r": "completed"}


def test_p3_a_parallel_step_that_is_not_chosen_starts_nothing(workflows: Workflows) -> None:
    ran = workflows.run(
        step("a", next=[{"nextStepId": "p", "condition": "false"}, {"nextStepId": "q"}]),
        step("p", parallelBranches=[{"branchId": "x", "steps": [step("x1")]}]),
        step("q"),
    )
    assert ran.state == "success"
    assert {ran.tasks[name] for name in ("p", "x1", "p.join")} == {"skipped"}


def test_p4_items_run_inside_one_task(workflows: Workflows) -> None:
    ran = workflows.run(
        step(
            "e", forEach={"items": jmespath("input.xs"), "steps": [step("x", "set", arguments={"v": jmespath("item")})]}
        ),
        step("z"),
        given={"xs": [3, 1, 2]},
    )
    assert ran.tasks == {"e": "success", "z": "success", "end": "success"}
    assert ran.instance.state.steps["e"].output["items"] == [{"v": 3}, {"v": 1}, {"v": 2}]


def test_x6_an_input_that_airflow_cannot_check_fails_the_instance_before_any_step(workflows: Workflows) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "dependentRequired": {"a": ["b"]}}
    ran = workflows.run(step("s"), inputSchema=schema, given={"a": 1})
    assert (ran.state, ran.instance.status) == ("failed", "failed")
    assert ran.instance.error is not None
    assert ran.instance.error["type"] == "ValidationError"
    assert ran.steps == {}
    assert [name for name, _, _ in ran.events] == ["airflow.triggered", "instance.started", "instance.failed"]


def test_k2_templates_of_a_task_see_the_workflow_and_keep_types(workflows: Workflows) -> None:
    task = {
        "taskId": "shape", "name": "Shape", "operator": "set",
        "arguments": {"list": "{{ workflow.input.xs }}", "text": "{{ workflow.step_input.n }} of {{ workflow.id }}"},
    }  # fmt: skip
    ran = workflows.run(step("a", "shape", input=jmespath("{n: input.n}")), given={"xs": [1, 2], "n": 7}, tasks=(task,))
    assert ran.instance.output == {"list": [1, 2], "text": "7 of w"}


def test_i2_the_log_and_the_state_agree(workflows: Workflows) -> None:
    ran = workflows.run(step("a"), step("b"))
    assert ran.events == [
        ("airflow.triggered", None, None),
        ("instance.started", None, None),
        ("step.started", "a", 1),
        ("step.completed", "a", 1),
        ("step.started", "b", 1),
        ("step.completed", "b", 1),
        ("instance.completed", None, None),
    ]
    assert ran.instance.current_step_id == "b"


def test_an_operator_of_airflow_runs_as_a_step(workflows: Workflows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS", "airflow.providers.standard.operators.bash.*")
    task = {
        "taskId": "echo", "name": "Echo", "operator": "airflow.providers.standard.operators.bash.BashOperator",
        "arguments": {"bash_command": "echo hello.sh", "env": {"WHO": "{{ workflow.input.who }}"}, "append_env": True},
    }  # fmt: skip
    ran = workflows.run(
        step("a", "echo", arguments={"bash_command": 'echo "$WHO"'}), given={"who": "Ada"}, tasks=(task,)
    )
    assert ran.instance.output == {"value": "Ada"}
