"""The plan of a DAG and the moves of its tasks lead where the definition says, however the tasks are ordered."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.dag.plan import plan_of
from tests.conformance.cases import Observed
from tests.conformance.hosts import run_simulated
from tests.property.definitions import Sample, Shape, samples
from tests.property.scheduling import ScheduledRun, scheduled_run
from tests.property.test_hosts_agree import EXAMPLES, UNHURRIED, case_of, comparable


def assert_agrees(run: ScheduledRun, observed: Observed) -> None:
    """The DAG run's state and the instance's status agree once both have ended."""
    assert (run.run_state, observed.status) in (("success", "completed"), ("failed", "failed"))


@settings(UNHURRIED, max_examples=EXAMPLES // 2)
@given(samples())
def test_plans_are_acyclic_and_lead_to_the_end(sample: Sample) -> None:
    plan = plan_of(case_of(sample).graph)

    assert plan == plan_of(case_of(sample).graph)
    after: dict[str, set[str]] = {node.task_id: set() for node in plan.nodes}
    for edge in plan.edges:
        after[edge.source].add(edge.target)
    assert [task_id for task_id, following in after.items() if not following] == ["end"]
    for node in plan.nodes:
        assert set(node.routes.values()) | set(node.starts) <= after[node.task_id]
    while after:
        last = [task_id for task_id, following in after.items() if not following & after.keys()]
        assert last, f"a cycle among {sorted(after)}"
        for task_id in last:
            del after[task_id]


@settings(UNHURRIED, max_examples=EXAMPLES)
@given(samples(Shape(time=False)))
def test_simulate_and_the_scheduler_agree(sample: Sample) -> None:
    case = case_of(sample)
    run = scheduled_run(case)
    observed = run.to_end()

    assert_agrees(run, observed)
    expected = comparable(run_simulated(case))
    found = comparable(observed)
    for key in ("path", "log", "elapsed"):
        # Branches take turns in another order.
        expected[key], found[key] = (sorted(map(str, value or ())) for value in (expected[key] if key != "elapsed" else (), found[key] if key != "elapsed" else ()))
    assert found == expected


@settings(UNHURRIED, max_examples=EXAMPLES // 2)
@given(samples(), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.0, 0.1]))
def test_run_and_instance_end_alike_in_any_order(sample: Sample, order: random.Random, lost: float) -> None:
    run = scheduled_run(case_of(sample), order=order, lost=lost, retries=3 if lost else 30)

    assert_agrees(run, run.to_end())
