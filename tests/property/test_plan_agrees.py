"""The plan of a DAG and the moves of its tasks lead where the definition says, however the tasks are ordered."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import DAG_SHAPE_OF_CATCHES
from airflow_workflow_provider.engine.manual_override import agree_failed
from airflow_workflow_provider.plan.plan import plan_of
from tests.conformance.cases import Observed
from tests.conformance.hosts import run_simulated
from tests.property.definitions import Sample, Shape, samples
from tests.property.scheduling import ScheduledRun, scheduled_run
from tests.property.test_hosts_agree import EXAMPLES, UNHURRIED, case_of, comparable

Json = dict[str, Any]


def unordered(observed: Observed) -> Json:
    """Return what hosts agree on whose branches take turns in another order."""
    found = comparable(observed)
    # A scheduled run hands over no rows; the hosts that do are compared with each other.
    del found["elapsed"], found["rows"]
    for key in ("path", "log"):
        found[key] = sorted(map(str, found[key] or ()))
    error = json.loads(json.dumps(found["error"]))
    if error is not None and "compensated" in error["details"]:
        # Branches complete in any order, so what is undone first, and meets a task's first outcome, differs.
        undone = error["details"]["compensated"]
        error["details"]["compensated"] = sorted((entry["stepId"], entry["visit"]) for entry in undone)
        error["statuses"] = sorted(entry["status"] for entry in undone)
    return {**found, "error": error}


def ended(run: ScheduledRun, observed: Observed) -> tuple[str, str]:
    """Return how the DAG run and its instance ended."""
    return run.run_state, observed.status


@settings(UNHURRIED, max_examples=EXAMPLES // 2)
@given(samples())
def test_plans_are_stable_and_acyclic_and_lead_to_the_end(sample: Sample) -> None:
    plan = plan_of(case_of(sample).graph)

    assert plan == plan_of(case_of(sample).graph)
    after: dict[str, set[str]] = {node.task_id: set() for node in plan.nodes}
    for edge in plan.edges:
        after[edge.source].add(edge.target)
    assert [task_id for task_id, following in after.items() if not following] == ["end"]
    for node in plan.nodes:
        assert set(node.routes.values()) | set(node.failing.values()) | set(node.starts) <= after[node.task_id]
    while after:
        last = [task_id for task_id, following in after.items() if not following & after.keys()]
        assert last, f"a cycle among {sorted(after)}"
        for task_id in last:
            del after[task_id]


@settings(UNHURRIED, max_examples=EXAMPLES // 2)
@given(samples(Shape(time=False)))
def test_simulate_and_the_scheduler_agree(sample: Sample) -> None:
    case = case_of(sample)
    run = scheduled_run(case)
    observed = run.to_end()

    assert ended(run, observed) in (("success", "completed"), ("failed", "failed"))
    assert unordered(observed) == unordered(run_simulated(case))


def inline(sample: Sample) -> Sample:
    """Return a sample whose steps run in one task."""
    document = {**sample.document, "settings": {**sample.document.get("settings", {}), "execution": "inline"}}
    return replace(sample, document=document)


@settings(UNHURRIED, max_examples=EXAMPLES // 4)
@given(samples())
def test_t8_simulate_and_an_inline_run_agree(sample: Sample) -> None:
    run = scheduled_run(case_of(inline(sample)))
    observed = run.to_end()

    assert list(run.states) == ["workflow.steps"]
    assert ended(run, observed) in (("success", "completed"), ("failed", "failed"))
    assert unordered(observed) == unordered(run_simulated(case_of(sample)))


@settings(UNHURRIED, max_examples=EXAMPLES // 4)
@given(samples(), st.integers(0, 2**32))
def test_f6_an_inline_run_and_its_instance_end_in_the_same_way_whenever_its_process_is_killed(
    sample: Sample, seed: int
) -> None:
    run = scheduled_run(case_of(inline(sample)), order=random.Random(seed), lost=0.15, retries=1000)  # noqa: S311

    assert ended(run, run.to_end()) in (("success", "completed"), ("failed", "failed"))


@settings(UNHURRIED, max_examples=EXAMPLES // 4)
@given(samples(), st.integers(0, 2**32))
def test_run_and_instance_end_in_the_same_way_in_any_order(sample: Sample, seed: int) -> None:
    run = scheduled_run(case_of(sample), order=random.Random(seed))  # noqa: S311

    assert ended(run, run.to_end()) in (("success", "completed"), ("failed", "failed"))


@settings(UNHURRIED, max_examples=EXAMPLES // 4)
@given(samples(), st.integers(0, 2**32))
def test_f6_run_and_instance_end_in_the_same_way_whatever_process_is_killed(sample: Sample, seed: int) -> None:
    run = scheduled_run(case_of(sample), order=random.Random(seed), lost=0.15, retries=3)  # noqa: S311
    observed = run.to_end()

    if observed.status == "running":
        # What no task saw, the listener of DAG runs settles.
        run.change(lambda machine: agree_failed(machine, Failure("Cancelled", "the DAG run has failed"), run.now))
        observed = run.observed()
        assert run.run_state == "failed"
    assert ended(run, observed) in (("success", "completed"), ("failed", "failed"))


@settings(UNHURRIED, max_examples=EXAMPLES // 4)
@given(samples(), st.integers(0, 2**32))
def test_f6_a_task_that_is_lost_for_good_is_settled_by_what_may_follow(sample: Sample, seed: int) -> None:
    order = random.Random(seed)  # noqa: S311
    case = case_of(sample)
    plan = plan_of(case.graph)
    doomed = order.choice([node for node in plan.nodes if node.kind in ("step", "inline", "loop")])
    run = scheduled_run(case, order=order, doomed=frozenset({doomed.task_id}))
    observed = run.to_end()

    if observed.status == "running":
        # What no task saw, the listener of DAG runs settles.
        assert run.run_state == "failed"
        assert doomed.step_id is not None
        assert not plan.exit_of(doomed.step_id).failing
    else:
        assert ended(run, observed) in (("success", "completed"), ("failed", "failed"))


@settings(UNHURRIED, max_examples=EXAMPLES // 8)
@given(samples(Shape(time=False)))
def test_simulate_and_the_scheduler_agree_on_dags_with_catches(sample: Sample) -> None:
    case = case_of(sample)
    run = scheduled_run(case, dag_shape=DAG_SHAPE_OF_CATCHES)
    observed = run.to_end()

    assert ended(run, observed) in (("success", "completed"), ("failed", "failed"))
    assert unordered(observed) == unordered(run_simulated(case))


@settings(UNHURRIED, max_examples=EXAMPLES // 8)
@given(samples(), st.integers(0, 2**32))
def test_f6_dags_with_catches_end_in_the_same_way_whatever_process_is_killed(sample: Sample, seed: int) -> None:
    order = random.Random(seed)  # noqa: S311
    run = scheduled_run(case_of(sample), order=order, lost=0.15, retries=3, dag_shape=DAG_SHAPE_OF_CATCHES)
    observed = run.to_end()

    if observed.status == "running":
        assert run.run_state == "failed"
    else:
        assert ended(run, observed) in (("success", "completed"), ("failed", "failed"))
