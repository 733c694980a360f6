"""Long-running programs: started once, found again, stopped with all they started."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
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


TITLED = UNMARKED.replace(", start_new_session=True", "")
"""Starts a process that has given itself a title, and so has lost its environment."""

MORTAL = """
import os, subprocess, sys, time
sleep = "import time; time.sleep(600)"
work = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleep!r}])"
idle, busy = (subprocess.Popen([sys.executable, "-c", code], env={}, start_new_session=True) for code in (sleep, work))
while not os.path.exists(f"/proc/{busy.pid}") or not open(f"/proc/{busy.pid}/task/{busy.pid}/children").read():
    time.sleep(0.05)
print("born", os.getpid(), idle.pid, busy.pid, flush=True)
time.sleep(600)
"""
"""Starts a process that has nothing to do, and one that waits for a process of its own."""

SUPERVISED = """
import sys
from airflow_workflow_provider.local.supervise import Supervisor, adopt_orphans
adopt_orphans()
sys.exit(Supervisor([sys.executable, "-c", sys.argv[1]], settled=0).run())
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("sleeper", [sys.executable, "-c", STUBBORN], tmp_path, grace=0.2)
    yield daemon
    stop_all([daemon])


def lines(daemon: Daemon, *words: str) -> str:
    def look() -> str | None:
        text = daemon.tail()
        return text if all(word in text for word in words) else None

    return poll(look, seconds=120, what=f"{words} in the log", interval=0.05)


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


def test_what_a_killed_one_left_is_stopped_with_its_successor(tmp_path: Path) -> None:
    daemon = Daemon("sleeper", [sys.executable, "-c", TITLED], tmp_path, grace=0.2)
    daemon.start(os.environ, tmp_path)
    left = psutil.Process(int(lines(daemon, "parent", "child").partition("parent ")[2].split()[0]))
    first = daemon.process()
    assert first is not None
    first.kill()
    psutil.wait_procs([first], timeout=10)
    daemon.start(os.environ, tmp_path)
    assert left.is_running()
    assert left in daemon.relatives()

    stop_all([daemon])

    assert not left.is_running()
    assert daemon.relatives() == []


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_one_that_dies_is_started_again_and_stopped_with_all_that_it_left(tmp_path: Path) -> None:
    daemon = Daemon("mortal", [sys.executable, "-c", SUPERVISED, MORTAL], tmp_path, grace=5)
    daemon.start(os.environ, tmp_path)
    supervisor = daemon.process()
    assert supervisor is not None

    def born() -> list[list[psutil.Process]] | None:
        lives = [line.split()[1:] for line in daemon.tail().splitlines() if line.startswith("born")]
        found = [[psutil.Process(int(pid)) for pid in pids if psutil.pid_exists(int(pid))] for pids in lives]
        return found if len(found) > seen else None

    seen = 0
    ((program, idle, busy),) = poll(born, seconds=120, what="its first life", interval=0.05)
    program.kill()
    # It would hold what it has inherited, such as connections; one that works ends that first.
    poll(lambda: not idle.is_running() or None, seconds=120, what="the end of what was idle", interval=0.05)
    seen = 1
    _, second = poll(born, seconds=120, what="its second life", interval=0.05)
    assert daemon.process() == supervisor
    everything = supervisor.children(recursive=True)
    assert {busy, *second} <= set(everything)

    stop_all([daemon])

    assert not any(process.is_running() for process in [supervisor, *everything])


def test_one_that_cannot_start_is_left_dead(tmp_path: Path) -> None:
    daemon = Daemon("broken", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path, restart=True)
    daemon.start(os.environ, tmp_path)
    poll(lambda: daemon.process() is None or None, seconds=120, what="its end", interval=0.05)
    assert "starts again" not in daemon.tail()
