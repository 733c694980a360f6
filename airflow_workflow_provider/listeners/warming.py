"""Importing early what every task of a workflow needs, where Airflow forks its tasks from.

With the LocalExecutor tasks are forks of forks of the scheduler, so what the scheduler has imported no task imports
again: about half a second of processor time a step.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import Any, Final

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

NEEDED: Final = (
    "airflow.sdk.execution_time.task_runner",
    "airflow_workflow_provider.dag.source",
    "jsonschema",
    "re2",
    "referencing",
    "regress",
)


@hookimpl
def on_starting(component: Any) -> None:  # noqa: ARG001 - Airflow tells it before it says what it is
    """Import what tasks need, in a scheduler only."""
    if "scheduler" not in sys.argv:
        return
    try:
        for name in NEEDED:
            import_module(name)
    except Exception:
        log.exception("What tasks of workflows need could not be imported early")
