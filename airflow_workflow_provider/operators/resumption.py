"""How a task waits without a worker and without a triggerer, and how it is resumed.

Airflow's state ``awaiting_input`` needs neither. Without a question beside it nobody is asked anything, and only
:mod:`airflow_workflow_provider.airflow_db.resume_tasks` ends the wait.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk.exceptions import TaskAwaitingInput, TaskDeferred

from airflow_workflow_provider.store.wakeups import CONTINUE, HELD

LATER: Final = "later"
"""The method with which a task asks again what became of it."""

ASK_AGAIN: Final = timedelta(seconds=5)


def ask_later() -> NoReturn:
    """Leave the worker for a moment, because the path may still come to this task."""
    raise TaskDeferred(trigger=DateTimeTrigger(moment=datetime.now(UTC) + ASK_AGAIN), method_name=LATER)


def wait_for_resumption() -> NoReturn:
    """Leave the worker until the task is resumed."""
    raise TaskAwaitingInput(method_name=HELD, timeout=None)


def is_resumed(event: Any) -> bool:
    """Return whether an event says only that something has changed."""
    return isinstance(event, dict) and event == CONTINUE
