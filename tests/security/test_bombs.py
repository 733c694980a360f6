"""Bombs in every language, through every door: each is over in time, within its memory, and stops nobody else."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from airflow_workflow_provider.bounded.doors import behind
from airflow_workflow_provider.bounded.limits import MIB, Limits
from airflow_workflow_provider.bounded.pool import Pool, PoolDoor
from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.workers.evaluation import WARM
from tests.support.bombs import BOMBS

LIMITS = Limits(seconds=2.0, memory=256 * MIB)
SLACK = 60.0
"""Seconds that a busy machine may add: for a process that has to be started, and for being slow."""


@dataclass
class Watch:
    """Watches beside a bomb: how long this process let no other thread compute, and how large the children were."""

    pool: Pool
    longest: float = 0.0
    largest: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        children: set[int] = set()
        while not self._over.is_set():
            began = time.process_time()
            self._over.wait(0.002)
            self.longest = max(self.longest, time.process_time() - began)
            children |= set(self.pool.pids)
            self.largest = max([self.largest, *map(_data_of, children)])

    def stop(self) -> None:
        self._over.set()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    found = Pool(LIMITS, WARM)
    found.start()
    poll(lambda: len(found.pids) == LIMITS.processes or None, seconds=300, what="the processes", interval=0.02)
    yield found
    found.close()


@pytest.fixture(scope="module", autouse=True)
def _collector_of_garbage() -> Iterator[None]:
    """Leave out of a collection what thousands of other tests hold: going through it takes longer than the bound."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_the_table_has_every_language_and_door() -> None:
    assert len(BOMBS) >= 60
    assert {name.partition(":")[0] for name in BOMBS} == {
        "validate", "simulate", "task", "start", "event", "answer", "view"
    }  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_over_in_time_and_in_its_memory(pool: Pool, name: str) -> None:
    watch = Watch(pool)
    thread = threading.Thread(target=watch.run)
    thread.start()
    began = time.monotonic()
    code = None
    try:
        with behind(PoolDoor(lambda: pool, "eve", name)):
            BOMBS[name]()
    except WorkflowsError as error:
        code = error.code
    finally:
        took = time.monotonic() - began
        watch.stop()
        thread.join()
    # Whatever it is, it is told, and is no fault of the server.
    assert code not in ("evaluation-failed", "overloaded")
    assert took < LIMITS.seconds + SLACK
    assert watch.largest <= LIMITS.memory
    # Another request is answered: nothing here keeps the interpreter's lock, as a bomb in this process would. It is
    # this process's own computing that counts, not how long a busy machine lets it wait.
    assert watch.longest < 0.2


def _data_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = next((line for line in lines if line.startswith("VmData:")), None)
    return int(found.split()[1]) * 1024 if found else 0
