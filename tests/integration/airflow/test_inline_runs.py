"""Inline workflows, run by Airflow in this process: one task, every step in the state and in the log (rule T8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.airflow.test_dag_runs import FAIL, cel
from tests.support.dag_runs import Workflows
from tests.support.documents import step

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

Json = dict[str, Any]

INLINE: Json = {"settings": {"execution": "inline"}}
UNDO: Json = {"compensation": {"taskId": "set"}}


def test_t8_all_steps_run_in_one_task(workflows: Workflows) -> None:
    ran = workflows.run(
        step(
            "a", "set", arguments={"n": 5}, next=[{"nextStepId": "c", "condition": "output.n > 3"}, {"nextStepId": "b"}]
        ),
        step("b", "set", arguments={"n": 0}),
        step("c", "set", arguments={"m": cel("data.n + 1")}),
        **INLINE,
    )

    assert ran.tasks == {"workflow.steps": "success"}
    assert (ran.state, ran.instance.status, ran.instance.output) == ("success", "completed", {"m": 6})
    assert ran.steps == {"a": "completed", "c": "completed"}
    assert [event for event in ran.events if event[0] == "step.started"] == [
        ("step.started", "a", 1), ("step.started", "c", 1),
    ]  # fmt: skip


def test_t8_an_instance_that_fails_fails_the_task(workflows: Workflows) -> None:
    ran = workflows.run(step("a", "set", **UNDO), step("b", **FAIL), onFailure={"compensate": True}, **INLINE)

    assert ran.tasks == {"workflow.steps": "failed"}
    assert (ran.state, ran.instance.status) == ("failed", "failed")
    assert ran.instance.error is not None
    assert ran.instance.error["type"] == "Nope"
    assert ran.instance.error["details"]["compensated"] == [{"stepId": "a", "visit": 1, "status": "completed"}]


def test_t8_a_handled_failure_leaves_the_task_green(workflows: Workflows) -> None:
    handled = {"onFailure": {"action": "continue", "nextStepId": "c"}}
    ran = workflows.run(step("a", **FAIL, **handled), step("b"), step("c"), **INLINE)

    assert ran.tasks == {"workflow.steps": "success"}
    assert ran.steps == {"a": "failed", "c": "completed"}


def test_t8_branches_and_items_and_loops_run_in_it(workflows: Workflows) -> None:
    branches = [{"branchId": name, "steps": [step(name, "set", arguments={name: 1})]} for name in ("x", "y")]
    items = {
        "items": {"type": "jmespath", "expression": "`[1, 2]`"},
        "steps": [step("i", "set", arguments={"n": cel("item")})],
    }
    ran = workflows.run(
        step("p", parallelBranches=branches),
        step("e", forEach=items),
        step("l", "set", arguments={"n": cel("has(data.n) ? data.n + 1 : 1")}, next=[
            {"nextStepId": "l", "condition": "data.n < 3"}, {"nextStepId": "end"},
        ]),
        **INLINE,
    )  # fmt: skip

    assert ran.tasks == {"workflow.steps": "success"}
    assert ran.instance.output == {"n": 3}
    assert ran.instance.state.steps["e"].output["items"] == [{"n": 1}, {"n": 2}]
