"""Rule I1: what is done about an instance and its run, for every combination."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from airflow_workflow_provider.operations.agreement import (
    ENDED_GRACE,
    MISSING_GRACE,
    Deed,
    FoundRun,
    StoredInstance,
    decide,
)

OLD, NEW = MISSING_GRACE, MISSING_GRACE - timedelta(seconds=1)
SECOND = timedelta(seconds=1)


def stored(status: str, age: timedelta = OLD) -> StoredInstance:
    return StoredInstance(status, age)


@pytest.mark.parametrize("status", ["running", "suspended"])
@pytest.mark.parametrize(
    ("run", "deed"),
    [
        (FoundRun("queued"), Deed.NOTHING),
        (FoundRun("running"), Deed.NOTHING),
        (FoundRun("running", waits_only=True), Deed.NOTHING),
        (FoundRun("success", ENDED_GRACE), Deed.SETTLE),
        (FoundRun("failed", ENDED_GRACE), Deed.SETTLE),
        (FoundRun("failed"), Deed.SETTLE),
        (FoundRun("failed", ENDED_GRACE - SECOND), Deed.LATER),
        # A clock that is wrong postpones nothing for long.
        (FoundRun("failed", timedelta(hours=-3)), Deed.SETTLE),
    ],
)
def test_i1_a_live_instance_follows_its_run(status: str, run: FoundRun, deed: Deed) -> None:
    assert decide(stored(status), run, "recreate") is deed
    assert decide(stored(status, timedelta(0)), run, "fail") is deed


@pytest.mark.parametrize("status", ["running", "suspended"])
def test_i1_a_run_is_missing_once_its_instance_has_been_left_alone(status: str) -> None:
    assert decide(stored(status), None, "recreate") is Deed.RECREATE
    assert decide(stored(status), None, "fail") is Deed.FAIL
    assert decide(stored(status, NEW), None, "recreate") is Deed.LATER
    assert decide(stored(status, timedelta(hours=-1)), None, "fail") is Deed.LATER


RUNS = [None, *(FoundRun(state, waits_only=waits) for state, waits in product(("queued", "running"), (True, False)))]


@pytest.mark.parametrize("run", [*RUNS, FoundRun("success", OLD), FoundRun("failed", OLD)])
def test_i1_an_instance_that_has_ended_only_ends_a_run_that_waits_in_vain(run: Any) -> None:
    assert decide(stored("completed"), run, "recreate") is Deed.NOTHING
    waits = run is not None and run.waits_only
    assert decide(stored("failed"), run, "recreate") is (Deed.END_RUN if waits else Deed.NOTHING)
    assert decide(stored("failed", NEW), run, "recreate") is (Deed.LATER if waits else Deed.NOTHING)


@pytest.mark.parametrize(
    "run", [FoundRun(state, OLD, is_ahead=True) for state in ("queued", "running", "success", "failed")]
)
@pytest.mark.parametrize("status", ["running", "suspended"])
def test_i1_an_instance_that_is_older_than_its_tasks_is_not_ended_by_its_run(status: str, run: Any) -> None:
    assert decide(stored(status), run, "recreate") is Deed.REWIND


def test_i1_a_task_that_waits_in_vain_is_woken_once_nothing_has_changed_for_a_while() -> None:
    run = FoundRun("running", waits_in_vain=True)
    for status in ("running", "suspended", "completed"):
        assert decide(stored(status), run, "recreate") is Deed.WAKE
        assert decide(StoredInstance(status, timedelta(seconds=1)), run, "recreate") in (Deed.NOTHING, Deed.LATER)
