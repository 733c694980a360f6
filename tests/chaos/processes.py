"""Faults of processes: killed, or doubled."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psutil

from airflow_workflow_provider.local.configuration import process_environment
from airflow_workflow_provider.local.daemon import Daemon, stop_all
from tests.chaos.place import NOT_REACHED, Place

CLOCK_WRONG: Final = 15.0
"""Seconds for which a clock is wrong, before it is set right."""


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)


def kill_daemon(place: Place, name: str) -> None:
    """Kill a daemon, not what restarts it, with all that it has started."""
    found = place.daemon(name)
    with suppress(psutil.Error):
        _kill([] if found is None else found.children(recursive=True))


def kill_scheduler_alone(place: Place) -> None:
    """Kill the scheduler, and leave the workers of its executor."""
    _kill(place.children("scheduler"))


def _workers(place: Place) -> list[psutil.Process]:
    found = []
    for process in place.children("scheduler"):
        with suppress(psutil.Error):
            found += process.children()
    return found


def kill_workers(place: Place) -> None:
    """Kill workers of the executor, which supervise tasks; their tasks are left alone."""
    found = _workers(place)
    _kill(place.random.sample(found, min(3, len(found))))


def kill_some_tasks(place: Place) -> None:
    """Kill processes in which tasks run."""
    found: list[psutil.Process] = []
    for worker in _workers(place):
        with suppress(psutil.Error):
            found += worker.children(recursive=True)
    _kill(place.random.sample(found, min(4, len(found))))


def two_schedulers(place: Place) -> None:
    """Let a second scheduler run beside the first, which is killed; the second ends with the round."""
    environment = place.environment
    command = [sys.executable, "-m", "airflow", "scheduler", "--skip-serve-logs"]
    second = Daemon("scheduler-2", command, environment.layout.logs, grace=20)
    second.start(process_environment(environment.variables("worker")), environment.layout.folder)
    place.undo.append(lambda: stop_all([second]))
    kill_scheduler_alone(place)


def step_clock(place: Place, seconds: int) -> None:
    """Step the clock of all of Airflow's processes, and after a while set it right, which is another step."""
    if place.clock is None:
        return
    place.clock.step(seconds)
    try:
        time.sleep(CLOCK_WRONG)
    finally:
        place.clock.step(0)


def arm(place: Place, name: str, then: Callable[[Place], None] | None = None) -> None:
    """Have the next process die that comes to a failpoint.

    :param then: what leads a process there, where the workload alone does not
    """
    armed = place.failpoints / name
    armed.touch()
    notes = place.notes

    def disarm() -> None:
        try:
            armed.unlink()
        except FileNotFoundError:
            return
        notes.append(NOT_REACHED)

    place.undo.append(disarm)
    if then is not None:
        then(place)
