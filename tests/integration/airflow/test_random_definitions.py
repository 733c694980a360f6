"""Random definitions mean the same to Airflow's scheduler as to the simulation.

The third host of the comparison in ``tests/property``: every definition is published, started side by side with the
others, and compared in path, status of each step, data, output and error with what the simulation says.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from airflow_workflow_provider.scenarios.expecting import line_text
from tests.conformance.cases import Case, Observed
from tests.conformance.hosts import run_simulated
from tests.property.definitions import Sample, Shape, samples
from tests.property.test_hosts_agree import case_of
from tests.support.scenarios import Outcome, Scenario

pytestmark = [pytest.mark.daemons, pytest.mark.xdist_group("airflow"), pytest.mark.slow, pytest.mark.timeout(2_700)]

EXAMPLES = int(os.environ.get("WORKFLOWS_AIRFLOW_EXAMPLES", "80"))


def drawn() -> list[Sample]:
    """Return the samples, different ones, the same in every run; without time, which is virtual elsewhere."""
    found: dict[str, Sample] = {}

    @settings(
        max_examples=2 * EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(samples(Shape(steps=3, depth=2, total=7, time=False)))
    def collect(sample: Sample) -> None:
        found.setdefault(json.dumps([sample.document, sample.mocks], sort_keys=True), sample)

    collect()
    return list(found.values())[:EXAMPLES]


SAMPLES = {f"random-{number}": sample for number, sample in enumerate(drawn())}


SCENARIOS = [Scenario(name, one.document, one.input, one.mocks) for name, one in SAMPLES.items()]


@pytest.mark.parametrize("name", SAMPLES)
def test_airflow_agrees_with_the_simulation(name: str, outcomes: dict[str, Outcome]) -> None:
    case = case_of(SAMPLES[name])
    outcome = outcomes[name]
    observed = Observed(
        status=outcome.status,
        output=outcome.output,
        error=outcome.error,
        path=outcome.path,
        steps=outcome.state["steps"],
        data=outcome.state["data"],
        variables=outcome.state["variables"],
    )
    assert comparable(case, observed) == comparable(case, run_simulated(case))
    assert outcome.run_state == {"completed": "success", "failed": "failed"}[outcome.status]


def comparable(case: Case, observed: Observed) -> dict[str, Any]:
    """Return what hosts agree on whose clocks differ and whose branches really run at once."""
    assert case.definition is not None
    return {
        "status": observed.status,
        "output": observed.output,
        "error": _type_and_place(observed.error),
        "path": sorted(map(line_text, observed.path or ())),
        "steps": {step_id: record["status"] for step_id, record in (observed.steps or {}).items()},
        "data": observed.data,
        "variables": observed.variables,
    }


def _type_and_place(error: dict[str, Any] | None) -> tuple[str, str | None] | None:
    return None if error is None else (error["type"], error["stepId"])
