"""Limits inside a process of its own: a task's, a parser's."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from airflow_workflow_provider.bounded.doors import behind
from airflow_workflow_provider.bounded.inside import Inside
from airflow_workflow_provider.bounded.limits import MIB, Limits
from airflow_workflow_provider.errors import LimitExceeded
from tests.fixtures import foreign

INSIDE = Inside(Limits(seconds=0.3, memory=200 * MIB))


@pytest.mark.parametrize(
    ("work", "which"),
    [
        (foreign.hold_the_lock, "time"),
        (lambda: foreign.spin(30), "time"),
        (lambda: foreign.eat(900), "memory"),
        (foreign.recurse, "depth"),
        (foreign.panic, "depth"),
    ],
)
def test_work_that_passes_a_limit_is_stopped(work, which: str) -> None:  # type: ignore[no-untyped-def]
    began = time.process_time()
    with behind(INSIDE), pytest.raises(LimitExceeded) as caught:
        work()
    assert caught.value.which == which
    assert time.process_time() - began < 5
    assert foreign.eat(900) == 900 * MIB


def test_the_time_limit_around_it_goes_on() -> None:
    class Over(Exception):
        pass

    def over(*_: object) -> None:
        raise Over

    before = signal.signal(signal.SIGALRM, over)
    theirs = signal.setitimer(signal.ITIMER_REAL, 0.6)
    try:
        with pytest.raises(Over), behind(INSIDE):
            _spin_often()
    finally:
        signal.setitimer(signal.ITIMER_REAL, *theirs)
        signal.signal(signal.SIGALRM, before)


def test_a_thread_has_the_limit_of_memory() -> None:
    found: list[object] = []

    def run() -> None:
        with behind(INSIDE):
            found.append(foreign.echo(1))
            try:
                foreign.eat(900)
            except LimitExceeded as error:
                found.append(error.which)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [1, "memory"]


def _spin_often() -> None:
    for _ in range(100):
        foreign.spin(0.05)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_work_is_stopped_though_a_finalizer_runs_when_its_time_is_over() -> None:
    class Slow:
        def __del__(self) -> None:
            # Python drops what is raised here.
            foreign.spin(30)

    def work() -> None:
        Slow()
        foreign.spin(30)

    began = time.process_time()
    with behind(INSIDE), pytest.raises(LimitExceeded):
        INSIDE.within(work)
    assert time.process_time() - began < 10
