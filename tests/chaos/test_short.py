"""The short form of the rounds of faults, for every change."""

from __future__ import annotations

import pytest

from tests.chaos.faults import FAULTS, SHORT
from tests.chaos.rounds import run_rounds
from tests.fixtures.airflow import RunningAirflow

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow")]


@pytest.mark.timeout(900)
def test_nothing_is_lost(running_airflow: RunningAirflow) -> None:
    assert set(SHORT) <= set(FAULTS)
    rounds = run_rounds(running_airflow.environment, running_airflow.client, SHORT, seed=1, instances=4, seconds=300)
    assert {each.fault: each.wrong for each in rounds} == {fault: [] for fault in SHORT}
