"""Limits inside a process of its own: a task's, a parser's."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from airflow_workflow_provider.bounded.doors import behind
from airflow_workflow_provider.bounded.inside import Inside, memory_limited
from airflow_workflow_provider.bounded.limits import MIB, Limits
from airflow_workflow_provider.errors import LimitExceeded
from tests.support import foreign

ROOT = Path(__file__).parents[3]

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


def test_the_time_limit_around_it_continues() -> None:
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


def test_what_other_threads_compute_is_not_the_works_time() -> None:
    ended = threading.Event()

    def spin() -> None:
        while not ended.is_set():
            sum(range(1000))

    others = [threading.Thread(target=spin) for _ in range(3)]
    for each in others:
        each.start()
    try:
        began, own = time.process_time(), time.thread_time()

        def wait_for_the_others() -> None:
            while time.process_time() - began < 3 * INSIDE.limits.seconds:
                ended.wait(0.01)

        INSIDE.within(wait_for_the_others)
        assert time.thread_time() - own < INSIDE.limits.seconds
        with behind(INSIDE), pytest.raises(LimitExceeded):
            foreign.spin(30)
    finally:
        ended.set()
        for each in others:
            each.join()


def test_threads_that_are_limited_at_once_leave_the_process_as_it_was() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))
    found: list[object] = []

    def first() -> None:
        with memory_limited(64 * MIB):
            first_is_in.set()
            second_is_in.wait(60)
        first_is_out.set()

    def second() -> None:
        first_is_in.wait(60)
        with memory_limited(200 * MIB):
            second_is_in.set()
            first_is_out.wait(60)
            found.append(foreign.eat(100))
            with suppress(MemoryError):
                found.append(foreign.eat(900))

    threads = [threading.Thread(target=each) for each in (first, second)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [100 * MIB]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


INSIDE_ANOTHER = """
import pytest
from airflow_workflow_provider.bounded.inside import memory_limited
from airflow_workflow_provider.bounded.limits import MIB
from tests.support import foreign

with memory_limited(100 * MIB):
    with memory_limited(900 * MIB), pytest.raises(MemoryError):
        foreign.eat(500)
    with memory_limited(10 * MIB), pytest.raises(MemoryError):
        foreign.eat(50)
    assert foreign.eat(50) == 50 * MIB
"""


def test_a_limit_of_memory_inside_another_is_the_smaller_one() -> None:
    """In a process of its own: what threads of other tests are allowed, this thread may have too."""
    done = subprocess.run([sys.executable, "-c", INSIDE_ANOTHER], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
