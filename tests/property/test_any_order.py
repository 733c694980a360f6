"""Branches may run in any order: as Airflow's scheduler and its workers happen to run them, the result is the same.

Every report is made twice here, and every stored state is read back, as it happens in the real world.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.engine.calls import ActivationRef, Call
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.stored_state import read_state
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.hosts.outcomes import Outcome
from tests.conformance.cases import START, Case
from tests.conformance.hosts import INSTANCE, TaskRunner, as_stored, run_simulated, tasks_of
from tests.property.definitions import Sample, Shape, samples
from tests.property.test_hosts_agree import EXAMPLES, UNHURRIED, assert_sound, case_of

Json = dict[str, Any]

pytestmark = pytest.mark.timeout(1_200)

TIMELESS = Shape(items=False, time=False, depth=3)


@settings(UNHURRIED, max_examples=EXAMPLES // 4)
@given(samples(TIMELESS), st.binary(min_size=40, max_size=40))
def test_p1_any_order_of_the_branches_gives_the_same_result(sample: Sample, order: bytes) -> None:
    case = case_of(_patient(sample))
    expected = run_simulated(case)

    state = _Driver(case, order).to_end()

    assert state["status"] == expected.status
    assert state.get("output") == expected.output
    assert _timeless(state.get("error")) == _timeless(expected.error)
    assert (state["data"], state["variables"]) == (expected.data, expected.variables)
    assert expected.steps is not None
    assert {k: _fate(v) for k, v in state["steps"].items()} == {k: _fate(v) for k, v in expected.steps.items()}


def _patient(sample: Sample) -> Sample:
    """Return a sample in which nothing depends on who is first: nothing stops its siblings, nothing is undone."""

    def patient(found: Json) -> Json:
        hasty = {"failFast", "compensate", "join"}
        return {key: value for key, value in found.items() if key not in hasty}

    document = json.loads(json.dumps(sample.document), object_hook=patient)
    return Sample(document, sample.mocks, sample.input)


def _fate(record: Json) -> tuple[Any, ...]:
    return record["status"], record.get("output"), _timeless(record.get("error")), record["visit"], record["attempt"]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key != "at"}
    return value


class _Driver:
    """Runs an instance with workers that begin and end in the order that bytes choose."""

    def __init__(self, case: Case, order: bytes) -> None:
        self._case = case
        self._run_task: TaskRunner = tasks_of(case)
        self._choices: Iterator[int] = iter(order * 100)
        self._runners = 0
        self._now: datetime = START
        self._busy: list[tuple[ActivationRef, str, Call]] = []
        instance = InstanceFacts(INSTANCE["id"], "random", INSTANCE["version"], INSTANCE["correlationId"])
        self._machine = Machine.start(case.graph, instance, dict(case.input), now=START)

    def to_end(self) -> Json:
        while not self._machine.is_over:
            ready = self._machine.ready(self._now)
            if not ready and not self._busy:
                timer = self._machine.next_timer()
                assert timer is not None
                assert timer > self._now
                self._now = timer
                continue
            choice = next(self._choices, 0) % (len(ready) + len(self._busy))
            if choice < len(ready):
                self._begin(ready[choice])
            else:
                self._end(*self._busy.pop(choice - len(ready)))
            self._store()
            self._now += timedelta(milliseconds=1)
        return self._machine.state.to_json()

    def _store(self) -> None:
        assert_sound(self._machine.graph, self._machine.state.to_json())
        self._machine = Machine(
            self._machine.graph,
            read_state(json.loads(json.dumps(as_stored(self._machine.state.to_json()))), "the instance"),
        )

    def _begin(self, activation: ActivationRef) -> None:
        self._runners += 1
        key, step_id, runner = activation.scope, activation.step_id, str(self._runners)
        assert self._machine.begin(key, step_id, runner, self._now).action == "run"
        before = copy.deepcopy(self._machine.state)
        assert self._machine.begin(key, step_id, runner, self._now).action == "resume"
        assert self._machine.state == before
        try:
            self._busy.append((activation, runner, self._machine.prepare(key, self._now)))
        except StepFailure as exc:
            self._machine.fail(key, step_id, runner, Failure.from_exception(exc), self._now)

    def _end(self, activation: ActivationRef, runner: str, call: Call) -> None:
        outcome = self._outcome(call)
        self._report(activation, runner, outcome)
        before = copy.deepcopy(self._machine.state)
        self._report(activation, runner, outcome)
        self._report(activation, runner, Outcome(output={"late": True}))
        assert self._machine.state == before

    def _outcome(self, call: Call) -> Outcome:
        try:
            return self._run_task(call, self._now)
        except Exception as exc:
            return Outcome(failure=Failure.from_exception(exc))

    def _report(self, activation: ActivationRef, runner: str, outcome: Outcome) -> None:
        key, step_id = activation.scope, activation.step_id
        if outcome.failure is not None:
            self._machine.fail(key, step_id, runner, outcome.failure, self._now)
        else:
            self._machine.succeed(key, step_id, runner, outcome.output, self._now)
