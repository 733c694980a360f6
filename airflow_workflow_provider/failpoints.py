"""Failpoints: the places between two writes at which tests kill the process that comes there.

They do nothing unless the environment variable :data:`VARIABLE` names a folder. A test then arms a failpoint with a
file of its name; the first process that comes there removes the file and ends at once, as SIGKILL ends it.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

VARIABLE: Final = "WORKFLOWS_FAILPOINTS"

FAILPOINTS: Final = MappingProxyType(
    {
        "transaction.before-commit": "Any transaction on the workflow database, before its commit",
        "transaction.committed": "Any transaction on the workflow database, after its commit",
        "start.announced": "A start through the API is announced; Airflow has no DAG run of it",
        "start.run-made": "Airflow has the DAG run of a start; the row of its instance is not written",
        "start.stored": "The row of the instance is written; the caller has no answer",
        "event.claimed": "A delivery of an event is claimed; nothing is started",
        "event.announced": "The start by an event is announced; Airflow has no DAG run of it",
        "event.run-made": "Airflow has the DAG run that an event starts; the row of its instance is not written",
        "event.stored": "The row of that instance is written; the delivery is not marked as done",
        "child.requested": "A sub-workflow is requested; its step does not wait for it yet",
        "child.run-made": "Airflow has the DAG run of a sub-workflow; the row of its instance is not written",
        "child.stored": "The row of that instance is written; the request is still there",
        "attempt.begun": "An attempt is stored as running; its work has not begun",
        "attempt.worked": "The work of an attempt is done; nothing of its result is kept",
        "attempt.kept": "The result is on the worker's disk; the workflow database does not have it",
        "attempt.stored": "The workflow database has the result; it is still on the worker's disk",
        "attempt.reported": "The result is stored and nowhere else; Airflow does not know that the task has ended",
        "attempt.asked": "What an attempt waits for is stored, such as its question; the instance does not say so yet",
        "attempt.parked": "The instance says that an attempt waits; Airflow does not know that the task does",
        "call.begun": "A step of a task that runs several is stored as running; its work has not begun",
        "call.worked": "The work of such a step is done; its result is nowhere but in the memory of the task",
        "turn.stored": "A turn of a task that runs several steps is stored; the next one is not",
        "answer.stored": "The answer of a user is stored; the user does not know it",
        "wakeup.delivered": "Airflow continues a task that waited; the wake-up is still there",
        "operation.cleared": "Airflow runs tasks again for an operation; the instance is as before",
        "cancel.stored": "An instance is cancelled; Airflow still runs its DAG run",
        "rerun.run-made": "Airflow has the DAG run that was missing; the instance does not say so",
        "restored.suspended": "An instance from an older backup is suspended; its run is where it was",
        "restored.cleared": "Airflow runs the tasks of such an instance from the first; why is still recorded",
        "end.noted": "The end of a DAG run is noted in memory; the instance has not ended",
    }
)
"""What is written before each failpoint, and what is not."""

_FOLDER: Final = os.environ.get(VARIABLE)


def failpoint(name: str) -> None:
    """End this process here if a test wants that."""
    if _FOLDER:
        _die_if_armed(Path(_FOLDER) / name)


def _die_if_armed(armed: Path) -> None:
    with suppress(FileNotFoundError):
        # Of several processes one removes it.
        armed.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
