"""In which version a live instance may continue (rule I8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.migration import continued_in, raise_generations
from airflow_workflow_provider.engine.state import State
from airflow_workflow_provider.engine.suspension import hold, suspend
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.plan.migration import WAIT, continuing_at, obstacles, tasks_to_begin
from tests.unit.engine.driving import NOW, begin, branch, fail, jmespath, step, succeed, to

Json = dict[str, Any]
Run = Callable[[Machine], Any]

EACH: Json = {"items": jmespath("input.list"), "steps": [step("i"), step("j")]}


def graph_of(*steps: Json, version: str = "1.0.0", tasks: Any = None, **more: Any) -> Graph:
    document = {"workflowId": "w", "name": "W", "version": version, "steps": list(steps), **more}
    return Graph.of(WorkflowDefinition.model_validate(document), tasks)


def started(graph: Graph, run: Run = lambda _: None, **given: Any) -> Machine:
    machine = Machine.start(graph, InstanceFacts("i", "w", "1.0.0"), given, now=NOW)
    run(machine)
    return machine


def found(old: Graph, new: Graph, run: Run = lambda _: None, **given: Any) -> list[tuple[str, str | None]]:
    """Return code and step of each obstacle, after the state was stored and read again."""
    state = State.from_json(started(old, run, **given).state.to_json())
    return [(each.code.value, each.step_id) for each in obstacles(state, old, new)]


def park(step_id: str, scope: str = "", note: Json | None = None, question: str | None = None) -> Run:
    def run(machine: Machine) -> None:
        begin(machine, step_id, scope)
        assert machine.park(scope, step_id, "r", note or {"limit": "attempt"}, NOW, question=question)

    return run


def after(*step_ids: str) -> Run:
    def run(machine: Machine) -> None:
        for step_id in step_ids:
            succeed(machine, step_id)

    return run


def both(*runs: Run) -> Run:
    def run(machine: Machine) -> None:
        for each in runs:
            each(machine)

    return run


A_B_C = graph_of(step("a"), step("b"), step("c"))


@pytest.mark.parametrize("done", [(), ("a",), ("a", "b")])
def test_i8_the_same_steps_have_no_obstacle(done: tuple[str, ...]) -> None:
    assert found(A_B_C, graph_of(step("a"), step("b"), step("c"), version="1.1.0"), after(*done)) == []


def test_i8_what_is_ahead_may_differ_in_every_way() -> None:
    new = graph_of(
        step("a"),
        step("b", "other", arguments={"k": 1}, next=[to("d", "data.n > 1"), to("e")]),
        step("d", parallelBranches=[branch("x", step("x1")), branch("y")], next=[to("e")]),
        step("e", forEach={"items": jmespath("input.list"), "steps": [step("e1")]}),
        output=jmespath("steps.e.output"),
    )
    assert found(A_B_C, new, after("a")) == []


def test_i8_a_removed_step_is_an_obstacle_once_it_has_run_or_is_live() -> None:
    new = graph_of(step("a"), step("c"))
    assert found(A_B_C, new) == []
    assert found(A_B_C, new, after("a")) == [("step-removed", "b")]
    assert found(A_B_C, new, after("a", "b")) == [("step-removed", "b"), ("path-changed", "c")]


def test_i8_a_step_that_a_retry_on_a_newer_version_left_behind_is_no_obstacle() -> None:
    machine = started(A_B_C, after("a", "b"))
    without_b = graph_of(step("a", next=[to("c")]), step("c"))
    machine.state.steps["a"].next = "c"
    assert obstacles(machine.state, without_b, graph_of(step("a", next=[to("c")]), step("c"), step("d"))) == []


def test_i8_a_step_that_moved_into_a_branch_is_an_obstacle() -> None:
    new = graph_of(step("p", parallelBranches=[branch("x", step("a"))]), step("b"), step("c"))
    assert found(A_B_C, new, after("a")) == [("step-moved", "a"), ("path-changed", "b")]


def test_i8_a_step_added_in_front_of_the_live_one_would_be_passed_over() -> None:
    assert found(A_B_C, graph_of(step("a"), step("new"), step("b"), step("c")), after("a")) == [("path-changed", "b")]
    assert found(A_B_C, graph_of(step("new"), step("a"), step("b"), step("c"))) == [("path-changed", "a")]
    # Long passed, it changes nothing for the instance.
    assert found(A_B_C, graph_of(step("new"), step("a"), step("b"), step("c")), after("a")) == []


def test_i8_a_handler_that_runs_must_still_be_led_to() -> None:
    handled: Json = {"onFailure": {"errorHandler": {"conditions": [{"errorType": "*", "nextStepId": "h"}]}}}
    old = graph_of(step("a", next=[to("b")], **handled), step("b", next=[]), step("h"))
    other = graph_of(step("a", next=[to("b")]), step("b", next=[to("h")]), step("h"))
    assert found(old, old, lambda machine: fail(machine, "a")) == []
    assert found(old, other, lambda machine: fail(machine, "a")) == [("path-changed", "h")]


def test_i8_a_running_step_is_waited_for() -> None:
    machine = started(A_B_C, lambda machine: begin(machine, "a"))
    (obstacle,) = obstacles(machine.state, A_B_C, A_B_C)
    assert (obstacle.code, obstacle.step_id, obstacle.pointer) == ("step-running", "a", "/steps/0")
    assert obstacle.suggestion == WAIT


def test_i8_a_retry_that_is_due_later_may_run_another_task() -> None:
    old = graph_of(step("a", retryPolicy={"maxAttempts": 3, "delay": "PT1H"}))
    new = graph_of(step("a", "other", retryPolicy=[{"maxAttempts": 2, "retryOn": ["Bad"]}, {"maxAttempts": 5}]))
    assert found(old, new, lambda machine: fail(machine, "a")) == []


@pytest.mark.parametrize(
    "change",
    [{"taskId": "other"}, {"arguments": {"subject": "?"}}, {"input": jmespath("input")}],
    ids=["task", "arguments", "input"],
)
def test_i8_a_step_that_waits_continues_only_as_what_it_waits_for(change: Json) -> None:
    old = graph_of(step("a", arguments={"subject": "!"}), step("b"))
    same = graph_of(step("a", arguments={"subject": "!"}, name="Ask", output=jmespath("@")), step("new"))
    asks = park("a", question="00000000-0000-0000-0000-000000000001")
    assert found(old, same, asks) == []
    assert found(old, graph_of({**step("a", arguments={"subject": "!"}), **change}, step("b")), asks) == [
        ("wait-changed", "a")
    ]


def test_i8_the_definition_of_the_task_that_waits_counts_too() -> None:
    def tasks(seconds: str) -> Json:
        task = {"taskId": "work", "name": "W", "operator": "wait", "arguments": {"duration": seconds}}
        return {"work": TaskDefinition.model_validate(task)}

    old, new = graph_of(step("a"), tasks=tasks("PT1S")), graph_of(step("a"), tasks=tasks("PT2S"))
    assert found(old, new, park("a")) == [("wait-changed", "a")]
    assert found(old, new) == []


def test_i8_what_waits_in_a_loop_does_not_continue_outside_of_one() -> None:
    old = graph_of(step("a"), step("b", next=[to("a", "data.again"), to("c")]), step("c"))
    new = graph_of(step("a"), step("b"), step("c"))
    assert found(old, new, park("a")) == [("wait-changed", "a")]
    assert found(new, old, park("a")) == [("wait-changed", "a")]
    # What has not begun begins wherever it is.
    assert found(old, new, after("a")) == []
    assert found(new, old, after("a")) == []


REGION = graph_of(step("p", parallelBranches=[branch("x", step("x1"), step("x2")), branch("y", step("y1"))]), step("z"))


def _forked(machine: Machine) -> None:
    succeed(machine, "p")
    succeed(machine, "x1", scope="p/x")


@pytest.mark.parametrize(
    ("branches", "more", "expected"),
    [
        ([branch("x", step("x1"), step("x2"), step("x3")), branch("y", step("y1"), step("y2"))], {}, []),
        ([branch("y", step("y1")), branch("x", step("x1"), step("x2"))], {}, []),
        (
            [branch("x", step("x1"), step("x2")), branch("y", step("y1")), branch("w", step("w1"))],
            {},
            [("region-changed", "p")],
        ),
        ([branch("x", step("x1"), step("x2"))], {}, [("step-removed", "y1"), ("region-changed", "p")]),
        ([branch("x", step("x1"), step("x2")), branch("y", step("y1"))], {"failFast": True}, [("region-changed", "p")]),
        ([branch("x", step("x1")), branch("y", step("y1"))], {}, [("step-removed", "x2")]),
        (
            [branch("x", step("x1"), step("n"), step("x2")), branch("y", step("n2"), step("y1"))],
            {},
            [("path-changed", "x2"), ("path-changed", "y1")],
        ),
        (
            [branch("x", step("x1")), branch("y", step("x2"), step("y1"))],
            {},
            [("step-moved", "x2"), ("path-changed", "y1")],
        ),
    ],
    ids=["longer", "reordered", "branch added", "branch removed", "inline", "shorter", "in front", "moved"],
)
def test_i8_an_open_region_keeps_its_structure(branches: list[Json], more: Json, expected: list[Any]) -> None:
    new = graph_of(step("p", parallelBranches=branches, **more), step("z"))
    assert found(REGION, new, _forked) == expected


def test_i8_a_branch_that_has_ended_does_not_continue() -> None:
    def run(machine: Machine) -> None:
        _forked(machine)
        succeed(machine, "y1", scope="p/y")

    def new(*steps: Json) -> Graph:
        ended = branch("y", *steps)
        return graph_of(step("p", parallelBranches=[branch("x", step("x1"), step("x2"), step("x3")), ended]), step("z"))

    assert found(REGION, new(step("y1")), run) == []
    # Airflow would skip what is added, and with it the end of the branches.
    assert found(REGION, new(step("y1"), step("y2")), run) == [("region-changed", "p")]
    either = new(step("y1", next=[to("y2", "data.n > 1"), to("end")]), step("y2"))
    assert found(REGION, either, run) == [("region-changed", "p")]


def test_i8_the_run_begins_with_the_live_steps_and_what_stands_between_them_and_what_led_there() -> None:
    straight = graph_of(step("a", next=[to("b")]), step("b"), step("c"))
    either = graph_of(step("a", next=[to("c", "data.n > 1"), to("b")]), step("b", next=[to("c")]), step("c"))
    assert tasks_to_begin(started(straight, after("a")).state, either) == {"b"}
    jump = started(either, both(lambda machine: machine.state.data.update(n=2), after("a")))
    assert continuing_at(jump.state) == [("", "c")]
    # Without the empty task on the edge, Airflow would skip what the instance continues with.
    assert tasks_to_begin(jump.state, either) == {"a.to.c", "c"}
    assert tasks_to_begin(started(REGION, _forked).state, REGION) == {"x2", "y1"}
    assert tasks_to_begin(started(ITEMS, _items, list=[1, 2]).state, ITEMS) == {"each"}
    inline = graph_of(step("a"), step("b"), settings={"execution": "inline"})
    assert tasks_to_begin(started(inline, after("a")).state, inline) == {"workflow.steps"}


def test_i8_a_region_that_has_not_begun_may_change() -> None:
    assert found(REGION, graph_of(step("p", forEach=EACH), step("z"))) == []


def test_i8_a_region_that_has_ended_keeps_its_steps() -> None:
    def run(machine: Machine) -> None:
        _forked(machine)
        succeed(machine, "x2", scope="p/x")
        succeed(machine, "y1", scope="p/y")

    more = graph_of(
        step("p", parallelBranches=[branch("x", step("x1"), step("x2")), branch("y", step("y1"), step("y2"))]),
        step("z"),
    )
    assert found(REGION, more, run) == []
    assert found(REGION, graph_of(step("p"), step("z")), run) == [
        ("step-removed", "x1"),
        ("step-removed", "x2"),
        ("step-removed", "y1"),
    ]


ITEMS = graph_of(step("each", forEach=EACH), step("z"))


def _items(machine: Machine) -> None:
    succeed(machine, "each")
    succeed(machine, "i", scope="each[0]")


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        ({**EACH, "steps": [step("i"), step("j"), step("k")]}, []),
        ({**EACH, "maxConcurrency": 1, "items": jmespath("input.other")}, []),
        ({**EACH, "as": "row"}, [("region-changed", "each")]),
        ({**EACH, "steps": [step("i"), step("new"), step("j")]}, [("path-changed", "j")]),
        ({**EACH, "steps": [step("j")]}, [("step-removed", "i"), ("path-changed", "j")]),
    ],
    ids=["longer", "bounds", "name", "in front", "removed"],
)
def test_i8_running_items_keep_their_structure(each: Json, expected: list[Any]) -> None:
    assert found(ITEMS, graph_of(step("each", forEach=each), step("z")), _items, list=[1, 2]) == expected


def test_i8_an_instance_does_not_change_how_its_steps_run() -> None:
    inline = graph_of(step("a"), step("b"), step("c"), settings={"execution": "inline"})
    assert found(A_B_C, inline, after("a")) == [("execution-changed", None)]
    assert found(inline, inline, after("a")) == []


def test_i8_a_failure_that_is_being_handled_is_handled_by_the_version_that_failed() -> None:
    old = graph_of(step("a", next=[]), step("h"), onFailure={"action": "continue", "nextStepId": "h"})
    assert found(old, old, lambda machine: fail(machine, "a")) == [("handling-failure", None)]
    assert found(old, old) == []


def test_i8_what_can_be_undone_can_be_undone_in_the_version() -> None:
    undo: Json = {"compensation": {"taskId": "undo"}}
    more: Json = {"onFailure": {"action": "stop", "compensate": True}}
    old = graph_of(step("a", **undo), step("b", **undo), **more)
    assert found(old, graph_of(step("a", **undo), step("b"), **more), after("a")) == []
    assert found(old, graph_of(step("a"), step("b", **undo), **more), after("a")) == [("compensation-removed", "a")]


def test_i8_the_input_has_to_fit_the_version() -> None:
    new = graph_of(step("a"), inputSchema={"type": "object", "properties": {"n": {"type": "integer"}}})
    assert found(A_B_C, new, n="many") == [("input-refused", None)]
    assert found(A_B_C, new, n=1) == []


def test_i8_an_instance_that_waits_for_its_turn_waits_for_the_same_one() -> None:
    def queued(machine: Machine) -> None:
        machine.state.queued_at = "2026-01-01T00:00:00Z"

    limited, other = ({"settings": {"concurrency": {"limit": limit}}} for limit in (1, 2))
    assert found(graph_of(step("a"), **limited), graph_of(step("a"), **other), queued) == [("limit-changed", None)]
    assert found(graph_of(step("a"), **limited), graph_of(step("a"), step("b"), **limited), queued) == []
    assert found(graph_of(step("a"), **limited), graph_of(step("a"), **other)) == []


def test_i8_an_expression_ahead_must_not_read_a_step_that_was_added_behind() -> None:
    def new(**more: Any) -> Graph:
        return graph_of(step("added"), step("a"), step("b"), step("c", **more), **({} if more else OUTPUT))

    assert found(A_B_C, new(input=jmespath("steps.added.output")), after("a")) == [("result-missing", "c")]
    assert found(A_B_C, new(next=[to("end", "steps.added.output.n > 1"), to("end")]), after("a")) == [
        ("result-missing", "c")
    ]
    assert found(A_B_C, new(), after("a")) == [("result-missing", None)]
    # What is behind the instance too does not read it any more.
    passed = graph_of(step("added"), step("a", output=jmespath("steps.added.output")), step("b"), step("c"))
    assert found(A_B_C, passed, after("a")) == []
    ahead = graph_of(step("a"), step("b"), step("added"), step("c", input=jmespath("steps.added.output")))
    assert found(A_B_C, ahead, after("a")) == []


OUTPUT: Json = {"output": jmespath("steps.added.output")}


def test_i8_items_that_have_not_begun_run_the_steps_of_the_version() -> None:
    each = {**EACH, "steps": [step("i"), step("j"), step("k"), step("l", input=jmespath("steps.k.output"))]}
    assert found(ITEMS, graph_of(step("each", forEach=each), step("z")), _items, list=[1, 2]) == []


def test_i8_all_reasons_are_given_at_once_with_their_places() -> None:
    old = graph_of(step("a"), step("b"), step("p", parallelBranches=[branch("x", step("x1")), branch("y", step("y1"))]))
    machine = started(old, both(after("a", "b", "p"), lambda machine: begin(machine, "x1", "p/x")))
    new = graph_of(step("a"), step("p", parallelBranches=[branch("x", step("x1"))]), settings={"execution": "inline"})
    assert [(each.code, each.pointer) for each in obstacles(machine.state, old, new)] == [
        ("execution-changed", "/settings/execution"),
        ("step-removed", "/steps/1"),
        ("step-removed", "/steps/2/parallelBranches/1/steps/0"),
        ("region-changed", "/steps/2"),
        ("path-changed", "/steps/2"),
        ("step-running", "/steps/2/parallelBranches/0/steps/0"),
    ]


# Continuing


def test_i8_the_instance_continues_where_it_was() -> None:
    new = graph_of(step("a"), step("b"), step("d"), version="1.1.0")
    machine = continued_in(started(A_B_C, after("a")), new)
    succeed(machine, "b", {"from": "b"})
    succeed(machine, "d")
    assert machine.status == "completed"
    assert machine.state.instance.version == "1.1.0"
    assert list(machine.state.steps) == ["a", "b", "d"]


def test_i8_what_the_version_adds_by_default_is_added() -> None:
    schema = {"type": "object", "properties": {name: {"default": name} for name in ("x", "y", "z")}}
    machine = started(A_B_C, x="given")
    machine.state.data["y"] = "made by a step"
    machine = continued_in(machine, graph_of(step("a"), inputSchema=schema))
    assert machine.state.input == {"x": "given", "y": "y", "z": "z"}
    assert machine.state.data == {"x": "given", "y": "made by a step", "z": "z"}


def test_i8_a_suspended_instance_stays_suspended_and_its_tasks_wait_again() -> None:
    machine = started(A_B_C)
    suspend(machine, {"id": "u", "name": "U"}, None, NOW)
    hold(machine, "a")
    machine = continued_in(machine, A_B_C)
    assert (machine.is_suspended, machine.state.held) == (True, [])
    assert machine.begin("", "a", "r", NOW).action == "hold"


def test_i8_finished_and_waiting_steps_do_not_run_again_because_their_tasks_may_be_tried_more_often() -> None:
    machine = started(A_B_C, both(after("a"), park("b")))
    raise_generations(machine, lambda _: 7)
    assert machine.begin("", "a", "r2", NOW, generation=7).action == "decided"
    assert machine.begin("", "b", "r2", NOW, generation=7).action == "resume"


def test_i8_an_operator_may_still_have_a_finished_step_run_again() -> None:
    machine = started(A_B_C, after("a"))
    raise_generations(machine, lambda _: 7)
    assert machine.begin("", "a", "r2", NOW, generation=8).action == "run"


def test_i8_it_continues_at_the_innermost_live_steps() -> None:
    assert continuing_at(started(REGION, _forked).state) == [("p/x", "x2"), ("p/y", "y1")]
    assert continuing_at(started(ITEMS, _items, list=[1, 2]).state) == [("each[0]", "j"), ("each[1]", "i")]


def test_i8_a_failed_attempt_keeps_what_it_counts() -> None:
    retry: Json = {"retryPolicy": {"maxAttempts": 2}}
    old, new = graph_of(step("a", **retry)), graph_of(step("a", **retry), step("b"))
    machine = continued_in(started(old, lambda machine: fail(machine, "a")), new)
    begin(machine, "a")
    assert machine.fail("", "a", "r", Failure.named("Bad", "again"), NOW).status == "failed"
