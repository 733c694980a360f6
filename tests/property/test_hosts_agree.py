"""The hosts in memory agree on every definition, also when the inline host is moved and killed."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.validate import validate_document
from tests.conformance.cases import Case, Observed
from tests.conformance.hosts import inline_run, losing, run_simulated, tasks_of
from tests.property.definitions import Sample, Shape, samples

Json = dict[str, Any]

EXAMPLES = int(os.environ.get("WORKFLOWS_PROPERTY_EXAMPLES", "2000"))
"""Definitions that are tried; the same ones in every run."""

pytestmark = pytest.mark.timeout(1_200)  # finding the smallest example that fails takes its time

WAITING = "step.waiting"

UNHURRIED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def case_of(sample: Sample) -> Case:
    """Return a sample as a case without expectations."""
    definition = WorkflowDefinition.model_validate_json(json.dumps(sample.document))
    return Case(
        "random", "T1", "random", definition, sample.document, {}, ("simulate",), sample.input, mocks=sample.mocks
    )


def comparable(observed: Observed) -> Json:
    """Return all that hosts agree on, the data of the log's rows too: everything but the notes that a step waits."""
    found = {key: value for key, value in vars(observed).items() if key not in ("log", "rows")}
    rows = [row for row in json.loads(observed.rows or "[]") if row[0] != WAITING]
    return {**found, "log": [name for name in observed.log or () if name != WAITING], "rows": rows}


@settings(UNHURRIED, max_examples=EXAMPLES // 4)
@given(samples())
def test_every_sample_is_a_valid_definition(sample: Sample) -> None:
    found = validate_document(sample.document)

    assert [(each.code, each.pointer, each.message) for each in found.errors] == []


@settings(UNHURRIED, max_examples=EXAMPLES)
@given(samples())
def test_simulate_and_the_inline_host_agree(sample: Sample) -> None:
    case = case_of(sample)
    graph = case.graph

    expected = run_simulated(case)
    observed = inline_run(case, check=lambda state: assert_sound(graph, state)).to_end()

    assert comparable(observed) == comparable(expected)


@settings(UNHURRIED, max_examples=EXAMPLES // 2)
@given(samples(), st.integers(0, 12), st.booleans())
def test_f6_a_killed_host_loses_one_attempt_and_nothing_else(sample: Sample, lost: int, done: bool) -> None:
    case = case_of(sample)

    expected = run_simulated(case, losing(tasks_of(case), lost, done=done))
    observed = inline_run(case, restart=True, lost=lost, done=done).to_end()

    assert comparable(observed) == comparable(expected)


@settings(UNHURRIED, max_examples=EXAMPLES // 8)
@given(samples(Shape(steps=3, depth=3, total=25, loops=False)))
def test_deeply_nested_regions_agree(sample: Sample) -> None:
    case = case_of(sample)

    assert comparable(inline_run(case, restart=True).to_end()) == comparable(run_simulated(case))


def assert_sound(graph: Graph, state: Json) -> None:
    """What holds of every state that is stored."""
    assert json.loads(json.dumps(state, allow_nan=False)) == state
    live = [
        control["current"]
        for control in state["scopes"].values()
        if control["status"] == "running" and "current" in control
    ]
    running = [key for key, control in state["scopes"].items() if control["status"] == "running"]
    if state["status"] in ("completed", "failed"):
        assert state["activeSteps"] == []
        assert [key for key in running if key] == []
        statuses = {record["status"] for record in state["steps"].values()}
        assert statuses <= {"completed", "failed"}
        assert (state["status"] == "failed") == ("error" in state)
    else:
        assert sorted(state["activeSteps"]) == sorted(each["stepId"] for each in live if each["kind"] == "step")
        assert [key for key in running if "current" not in state["scopes"][key]] == []
    numbers = [each["sequence"] for each in live]
    assert len(set(numbers)) == len(numbers)
    for record in state["steps"].values():
        if "completedAt" in record:
            assert datetime.fromisoformat(record["startedAt"]) <= datetime.fromisoformat(record["completedAt"])
    assert len(state["scopes"]) <= 1 + 40 * len(graph.lists)
