"""A child process as its parent has it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.bounded import messages

if TYPE_CHECKING:
    from airflow_workflow_provider.bounded.limits import Limits

START_SECONDS: Final = 30.0
"""After this time a process that does not say that it is ready is given up."""

KEPT: Final = frozenset({"PATH", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LANG", "LANGUAGE", "AIRFLOW_WORKFLOWS_JSONATA"})
"""Variables of the environment that a child gets; connections, keys and tokens of the parent are not its business."""


class Child:
    """A process that computes one thing at a time.

    :param warm: modules that it imports before it is ready
    :raises OSError: it could not be started, or did not get ready
    """

    def __init__(self, limits: Limits, warm: Iterable[str] = ()) -> None:
        self._limits = limits
        self.calls = 0
        self._socket, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-s", "-m", "airflow_workflow_provider.bounded.worker", str(theirs.fileno())]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - Python and a module of ours
                [*command, json.dumps(asdict(limits)), *warm],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment(os.environ),
                cwd="/",
                # Ctrl-C in a terminal is for the parent, which then stops the child.
                start_new_session=True,
            )
        finally:
            theirs.close()
        try:
            messages.receive(self._socket, limits.message, time.monotonic() + START_SECONDS)
        except (EOFError, OSError, ValueError, messages.TooLarge) as error:
            self.end()
            text = f"the evaluation process did not become ready: {type(error).__name__}"
            raise OSError(text) from error

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def call(self, request: bytes, seconds: float) -> dict[str, Any]:
        """Send a request and return the reply.

        :raises TimeoutError: there was none in time
        :raises EOFError: the process has ended, or answers what is no reply
        :raises OSError: it cannot be reached
        :raises TooLarge: the reply has too many bytes
        """
        self.calls += 1
        deadline = time.monotonic() + seconds
        self._socket.settimeout(seconds)
        messages.send(self._socket, request)
        reply = messages.receive(self._socket, self._limits.message, deadline)
        if not isinstance(reply, dict):
            raise EOFError
        return reply

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process at once, whatever it does, and wait until nothing is left of it."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: nothing but what Python needs to find itself and our package."""
    kept = {name: value for name, value in given.items() if name in KEPT or name.startswith("LC_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part), "PYTHONDONTWRITEBYTECODE": "1"}
