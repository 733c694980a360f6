"""The short form of the rounds of faults, for every change."""

from __future__ import annotations

import random

import pytest

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.local.client import poll
from tests.chaos.faults import FAULTS, SHORT
from tests.chaos.place import Place
from tests.chaos.rounds import Rounds
from tests.chaos.workload import FEW
from tests.support.airflow import RunningAirflow

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-3")]


def _is_healthy(running: RunningAirflow) -> bool:
    try:
        health = running.client.health()
    except WorkflowsError:
        return False
    return all(part["status"] in ("healthy", None) for part in health.values())


@pytest.mark.timeout(1200)
def test_nothing_is_lost(running_airflow: RunningAirflow) -> None:
    """Faults follow each other while instances run; then everything ends, and what was accepted is there once."""
    assert set(SHORT) <= set(FAULTS)
    dice = random.Random(1)  # noqa: S311 - a seed makes rounds that can be repeated
    environment = running_airflow.environment
    failpoints = running_airflow.scripts / "failpoints"
    place = Place(environment, running_airflow.client, dice, failpoints, workflows=FEW)
    try:
        done = Rounds(place, 1, instances=2, seconds=900, together=len(SHORT)).run(SHORT)
    finally:
        # Other tests share this Airflow: all of it must have come back.
        poll(lambda: _is_healthy(running_airflow) or None, seconds=300, what="Airflow to be healthy", interval=1)
    assert {each.fault: (each.lost, each.wrong) for each in done} == {fault: ([], []) for fault in SHORT}
