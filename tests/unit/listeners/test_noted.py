"""What listeners note is limited: a database that is away for long fills neither memory nor the log."""

from __future__ import annotations

import logging
import threading

import pytest

from airflow_workflow_provider import metrics
from airflow_workflow_provider.listeners import noted
from airflow_workflow_provider.listeners.dag_runs import SETTLER
from airflow_workflow_provider.listeners.marked_tasks import MARKER
from airflow_workflow_provider.listeners.noted import Noted

SECONDS = 120


class Held:
    """Work that begins and does not end before it is released."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.begun = threading.Event()
        self.release = threading.Event()
        self.all_done = threading.Event()

    def __call__(self, number: int) -> None:
        self.begun.set()
        assert self.release.wait(SECONDS)
        self.done.append(number)
        if number < 0:
            self.all_done.set()


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(noted, "count", lambda name, queue: found.append((name, queue)))
    return found


def test_what_is_beyond_the_limit_is_dropped_counted_and_logged_once(
    dropped: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()
    made = Noted("test-notes", held, limit=3)
    made.add(0)
    assert held.begun.wait(SECONDS)
    with caplog.at_level(logging.WARNING):
        for number in range(1, 11):
            made.add(number)
    assert dropped == [(metrics.LISTENERS_DROPPED, "test-notes")] * 7
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "test-notes" in caplog.text
    held.release.set()
    made._queue.put(-1, timeout=SECONDS)
    assert held.all_done.wait(SECONDS)
    assert held.done == [0, 1, 2, 3, -1]


def test_what_is_noted_after_a_gap_is_logged_again(
    dropped: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    held = Held()
    made = Noted("test-notes", held, limit=1)
    for round_ in (1, 2):
        held.begun.clear()
        held.release.clear()
        made.add(0)
        assert held.begun.wait(SECONDS)
        for _ in range(3):
            made.add(0)
        assert len(dropped) == 2 * round_
        held.release.set()
        made._queue.put(-1, timeout=SECONDS)
        assert held.all_done.wait(SECONDS)
        held.all_done.clear()
    assert len(caplog.records) == 2


def test_a_note_never_waits_for_the_work(dropped: list[tuple[str, str]]) -> None:
    held = Held()
    made = Noted("test-notes", held, limit=1)
    # All of these return at once, or this test never ends: nothing is released before.
    for number in range(1000):
        made.add(number)
    held.release.set()
    assert len(dropped) >= 998


@pytest.mark.parametrize("queue", [SETTLER, MARKER])
def test_every_listener_is_limited(queue: Noted[object]) -> None:
    assert 0 < queue._limit <= noted.MAX_NOTED
