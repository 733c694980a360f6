"""When a host has something to do again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_workflow_provider.engine.failure import Failure
from tests.support.documents import step
from tests.unit.engine.test_manual_override import NOW, machine_of


def test_f2_a_host_waits_for_its_own_retries_only() -> None:
    retry: dict[str, Any] = {"retryPolicy": {"maxAttempts": 3, "delay": "PT5S"}}
    branches = [{"branchId": "x", "steps": [step("x1", **retry)]}, {"branchId": "y", "steps": [step("y1")]}]
    machine = machine_of(step("p", parallelBranches=branches))
    machine.begin("", "p", "r", NOW)
    machine.succeed("", "p", "r", {}, NOW)
    machine.begin("p/x", "x1", "r", NOW)
    machine.fail("p/x", "x1", "r", Failure("Broken", "broken"), NOW)

    assert machine.next_timer() == NOW + timedelta(seconds=5)
    assert machine.next_timer(lambda activation: activation.scope == "p/y") is None
