"""How long infrastructure may be away, and how often it is asked meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import tenacity

from airflow_workflow_provider.errors import Conflict, StoreUnavailable
from airflow_workflow_provider.operators.patience import delay_after, patiently, tries_within
from airflow_workflow_provider.settings import load_settings


@pytest.mark.parametrize("patience", [timedelta(seconds=1), timedelta(seconds=10), timedelta(hours=12), timedelta(7)])
@pytest.mark.parametrize("longest", [timedelta(), timedelta(seconds=7), timedelta(minutes=1), timedelta(hours=2)])
def test_the_tries_fill_the_time(patience: timedelta, longest: timedelta) -> None:
    settings = replace(load_settings(), infrastructure_patience=patience, infrastructure_retry_delay=longest)
    step = max(longest, timedelta(seconds=1))
    delays = (min(timedelta(seconds=2 ** min(n, 30)), step) for n in range(tries_within(settings)))
    waited = sum(delays, timedelta())
    assert patience <= waited < 2 * patience + timedelta(seconds=2) + step


def test_without_patience_nothing_is_tried_again() -> None:
    assert tries_within(replace(load_settings(), infrastructure_patience=timedelta())) == 0


def test_delays_are_capped_and_differ() -> None:
    settings = load_settings()
    found = {delay_after(10_000, settings) for _ in range(20)}
    assert len(found) > 1
    assert max(found) <= settings.infrastructure_retry_delay


def test_what_holds_a_result_waits_until_the_database_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(tenacity.nap, "sleep", slept.append)
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    answers: Any = iter([StoreUnavailable("away"), StoreUnavailable("read-only"), "stored"])

    def work() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert patiently(work, "The result") == "stored"
    assert len(slept) == 2
    assert slept[0] < slept[1] + 1


def test_what_does_not_pass_is_not_waited_for() -> None:
    def work() -> None:
        message = "no"
        raise Conflict(message)

    with pytest.raises(Conflict):
        patiently(work, "The result")


def test_waiting_ends_with_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__INFRASTRUCTURE_PATIENCE", "PT0S")

    def work() -> None:
        message = "away"
        raise StoreUnavailable(message)

    with pytest.raises(StoreUnavailable):
        patiently(work, "The result")
