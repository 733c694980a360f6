"""A long-running program in a process group of its own that is found again, and stopped, by its pid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.vocabulary import ProblemCode

# Set in a daemon's environment and inherited by all that it starts, so that nothing of it is left behind.
MARK = "AIRFLOW_WORKFLOWS_DAEMON"


SUPERVISE = (sys.executable, "-m", "airflow_workflow_provider.local.supervise")


@dataclass(frozen=True)
class DaemonStatus:
    """What is known of a daemon; the pid is null when it does not run."""

    name: str
    running: bool
    pid: int | None
    log_file: Path


class Daemon:
    """One program of a local environment.

    :param name: of the daemon, its log and its record
    :param command: the program and its arguments
    :param folder: where ``<name>.log`` and the record of the running process are kept
    :param grace: seconds that it may take to end
    :param restart: start it again when it dies, see :mod:`~airflow_workflow_provider.local.supervise`
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, *, grace: float = 10, restart: bool = False
    ) -> None:
        self.name = name
        self.grace = grace
        self.command = [*(SUPERVISE if restart else ()), *command]
        self.log_file = folder / f"{name}.log"
        self._record_file = folder / f"{name}.pid.json"

    def start(self, environment: Mapping[str, str], cwd: Path) -> None:
        """Start it, unless it runs; its output is appended to the log."""
        if self.process() is not None:
            return
        # Processes that an earlier one left behind still have to be stopped.
        earlier = [each for each in self._records() if _members(each)]
        mark = uuid4().hex
        with self.log_file.open("ab") as log:
            # Never waited for: it outlives this program. Nobody but its own session gets its signals.
            process = subprocess.Popen(  # noqa: S603 - our own commands
                self.command,
                cwd=cwd,
                env={**environment, MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = {"pid": process.pid, "created": psutil.Process(process.pid).create_time(), "mark": mark}
        self._record_file.write_text(json.dumps({**record, "earlier": earlier}))
        # The handle is not needed: psutil reaps the process when it is stopped from here.
        process.returncode = 0

    def process(self) -> psutil.Process | None:
        """Return the live process that :meth:`start` made; never another one that was given its number."""
        record = self._record()
        try:
            process = psutil.Process(int(record["pid"]))
            same = abs(process.create_time() - float(record["created"])) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (KeyError, ValueError, psutil.Error):
            return None

    def status(self) -> DaemonStatus:
        """Whether it runs now."""
        process = self.process()
        return DaemonStatus(self.name, process is not None, process.pid if process else None, self.log_file)

    def tail(self, lines: int = 25) -> str:
        """Return the last lines of its log."""
        with suppress(OSError):
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def relatives(self) -> list[psutil.Process]:
        """Return the process and whatever it, or one that was started before it, has started and still runs."""
        return list({process for record in self._records() for process in _members(record)})

    def forget(self) -> None:
        """Remove the record of a process that has ended."""
        self._record_file.unlink(missing_ok=True)

    def _records(self) -> list[dict[str, Any]]:
        record = self._record()
        earlier = record.get("earlier")
        return [record, *(each for each in (earlier if isinstance(earlier, list) else []) if isinstance(each, dict))]

    def _record(self) -> dict[str, Any]:
        try:
            record = json.loads(self._record_file.read_text())
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}


def _members(record: Mapping[str, Any]) -> list[psutil.Process]:
    """Return what runs of a daemon that was started once: what bears its mark, or is in its session.

    A program that gives itself a title overwrites its environment, and with it the mark; its session stays, also when
    the daemon has died. The number of a session is free for another only when nothing is left in it.
    """
    mark = record.get("mark")
    if not isinstance(mark, str):
        return []
    session = _session(record)
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            if process.pid == os.getpid():
                continue
            if (session is not None and os.getsid(process.pid) == session) or process.environ().get(MARK) == mark:
                found.append(process)
    return found


def _session(record: Mapping[str, Any]) -> int | None:
    """Return the number of a daemon's session; None where its number belongs to another process by now."""
    try:
        pid, created = int(record["pid"]), float(record["created"])
    except (KeyError, TypeError, ValueError):
        return None
    try:
        return pid if abs(psutil.Process(pid).create_time() - created) < 1 else None
    except psutil.NoSuchProcess:
        return pid
    except psutil.Error:
        return None


def stop_all(daemons: Sequence[Daemon]) -> None:
    """Ask all of them to end; kill what is left of each after its own time of grace.

    :raises WorkflowsError: a process survived being killed
    """
    asked = time.monotonic()
    children: dict[str, list[psutil.Process]] = {}
    for daemon in daemons:
        process = daemon.process()
        if process is not None:
            with suppress(psutil.Error):
                # Some have neither the mark nor the session.
                children[daemon.name] = process.children(recursive=True)
                process.terminate()
    for daemon in sorted(daemons, key=lambda each: each.grace):
        started = children.get(daemon.name, [])
        psutil.wait_procs([*daemon.relatives(), *started], timeout=max(0, asked + daemon.grace - time.monotonic()))
        # Looked up again: a program may start others while it ends.
        left = list({*daemon.relatives(), *(each for each in started if each.is_running())})
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        _, alive = psutil.wait_procs(left, timeout=10)
        if alive:
            pids = ", ".join(str(process.pid) for process in alive)
            message = f"The processes {pids} of {daemon.name} could not be stopped"
            raise WorkflowsError(message, code=ProblemCode.NOT_STOPPED)
        daemon.forget()
