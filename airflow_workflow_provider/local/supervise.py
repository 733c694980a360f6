"""Runs a program and starts it again when it dies: ``python -m airflow_workflow_provider.local.supervise COMMAND …``.

Airflow's daemons end by themselves after some faults of the database. Imports nothing but the standard library, since
one of these runs beside each of them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

SETTLED: Final = 30.0
"""Seconds for which a program must have run once, before it is started again: one that cannot start is left dead."""

LONG: Final = 60.0
"""Seconds after which a program that ran is not counted as failing again and again."""

FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 60.0
LOOK: Final = 1.0
"""Seconds between two looks for idle orphans."""

_PR_SET_CHILD_SUBREAPER: Final = 36


class Supervisor:
    """Runs one program until it is asked to stop.

    :param command: the program and its arguments
    :param settled: see :data:`SETTLED`
    """

    def __init__(self, command: Sequence[str], *, settled: float = SETTLED) -> None:
        self._command = list(command)
        self._settled = settled
        self._stop = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._cleaner: threading.Thread | None = None

    def run(self) -> int:
        """Run it, again after each end; return its exit code when asked to stop, or when it cannot start."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._terminate)
        failures, has_settled = 0, False
        while True:
            began = time.monotonic()
            code = self._run_once()
            self._cleaner = threading.Thread(target=self._end_orphans, daemon=True)
            self._cleaner.start()
            ran = time.monotonic() - began
            has_settled = has_settled or ran >= self._settled
            if self._stop.is_set() or not has_settled:
                return code if code >= 0 else 128 - code
            failures = 1 if ran >= LONG else failures + 1
            delay = min(FIRST_DELAY * 2 ** min(failures - 1, 10), LONGEST_DELAY)
            sys.stderr.write(f"It ended with {code} after {ran:.0f} s and starts again in {delay:.0f} s\n")
            sys.stderr.flush()
            if self._stop.wait(delay):
                return 0

    def _run_once(self) -> int:
        with self._starting:
            self._child = subprocess.Popen(self._command)  # noqa: S603 - the command that we were started for
        if self._stop.is_set():
            self._child.terminate()
        while True:
            # Also what the program left behind when it died.
            pid, status = os.waitpid(-1, 0)
            if pid == self._child.pid:
                self._child.returncode = os.waitstatus_to_exitcode(status)
                return self._child.returncode

    def _end_orphans(self) -> None:
        """Kill what the program left behind, each when it is idle.

        A worker of the LocalExecutor outlives a scheduler that was killed, and would hold the connections that it
        inherited, with the locks of their transactions. One that runs a task ends it first.
        """
        # Each takes over from the one before, which may still wait for an orphan that works.
        while threading.current_thread() is self._cleaner:
            with self._starting:
                program = self._child.pid if self._child is not None else None
                orphans = [pid for pid in children_of(os.getpid()) if pid != program]
                for pid in orphans:
                    if not children_of(pid):
                        with suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
            if not orphans or self._stop.wait(LOOK):
                return

    def _terminate(self, *_: Any) -> None:
        self._stop.set()
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.terminate()


def children_of(parent: int) -> list[int]:
    """Return the processes that a process is the parent of and that have not ended; on Linux only."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # The name in brackets may contain anything.
            state, of = place.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if int(of) == parent and state != "Z":
                found.append(int(place.parent.name))
    return found


def adopt_orphans() -> None:
    """Become the parent of what the program leaves behind when it dies, so that it is found; on Linux only."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    adopt_orphans()
    sys.exit(Supervisor(sys.argv[1:]).run())
