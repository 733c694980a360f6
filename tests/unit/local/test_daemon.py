"""Long-running programs: started once, found again, stopped with all they started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.daemon import Daemon, stop_all

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; print('child', flush=True); time.sleep(600)"],
                         start_new_session=True)
print("parent", child.pid, flush=True)
time.sleep(600)
"""

UNMARKED = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; print('child', flush=True); time.sleep(600)"],
                         env={}, start_new_session=True)
print("parent", child.pid, flush=True)
time.sleep(600)
"""
"""Starts a process whose environment tells nothing of where it comes from, and ends without it."""


@pytest.fixture
def daemon(tmp_path: Path):
    daemon = Daemon("sleeper", [sys.executable, "-c", STUBBORN], tmp_path, grace=0.2)
    yield daemon
    stop_all([daemon])


def lines(daemon: Daemon, *words: str) -> str:
    def look() -> str | None:
        text = daemon.tail()
        return text if all(word in text for word in words) else None

    return poll(look, seconds=20, what=f"{words} in the log", interval=0.05)


def test_it_is_found_again_by_another_object_and_not_started_twice(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start(os.environ, tmp_path)
    lines(daemon, "parent")
    again = Daemon("sleeper", ["false"], tmp_path)

    again.start(os.environ, tmp_path)

    assert again.status().pid == daemon.status().pid
    assert again.status().running


def test_what_ignores_the_request_is_killed_with_all_it_started(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start(os.environ, tmp_path)
    lines(daemon, "parent", "child")
    everything = daemon.relatives()
    assert len(everything) == 2

    stop_all([daemon])

    assert not any(process.is_running() for process in everything)
    assert daemon.status().running is False


def test_a_child_that_has_lost_its_environment_is_stopped_too(tmp_path: Path) -> None:
    daemon = Daemon("sleeper", [sys.executable, "-c", UNMARKED], tmp_path, grace=0.2)
    daemon.start(os.environ, tmp_path)
    child = psutil.Process(int(lines(daemon, "parent", "child").partition("parent ")[2].split()[0]))
    assert child not in daemon.relatives()

    stop_all([daemon])

    assert not child.is_running()


def test_another_process_with_the_same_number_is_let_live(daemon: Daemon, tmp_path: Path) -> None:
    own = psutil.Process()
    (tmp_path / "sleeper.pid.json").write_text(
        f'{{"pid": {own.pid}, "created": {own.create_time() - 100}, "mark": "x"}}'
    )

    stop_all([daemon])

    assert daemon.process() is None
    assert own.is_running()


def test_a_damaged_record_counts_as_stopped(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "sleeper.pid.json").write_text("{")
    assert daemon.process() is None
    assert daemon.relatives() == []
