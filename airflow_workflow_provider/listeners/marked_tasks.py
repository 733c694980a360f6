"""Called by Airflow when a user has marked a task as failed.

Its step fails at once, with an error that says so. Airflow starts what follows a moment later, and all that could be
known there is that the task has failed, as if its worker had been lost.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from airflow.listeners import hookimpl

from airflow_workflow_provider.listeners.marked import MarkedTask
from airflow_workflow_provider.listeners.noted import Noted

log = logging.getLogger(__name__)

MANUALLY_SET: Final = "manually set"
"""What Airflow says of a task that a person has marked, in place of the error of one that ran."""


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:  # noqa: ARG001
    """Note that a task was marked as failed; one that failed by itself reports that itself."""
    try:
        if isinstance(error, str) and MANUALLY_SET in error:
            MARKER.add(MarkedTask(task_instance.dag_id, task_instance.run_id, task_instance.task_id))
    except Exception:
        log.exception("A task that was marked as failed could not be recorded")


def _fail(marked: MarkedTask) -> None:
    # Imported here: processes that never see a mark need none of it.
    from airflow_workflow_provider.listeners.marking import fail_marked
    from airflow_workflow_provider.store.named import named_run

    with named_run(marked.dag_id, marked.run_id, task_id=marked.task_id):
        try:
            if fail_marked(marked):
                log.info("Task %s of %s %s was marked as failed", marked.task_id, marked.dag_id, marked.run_id)
        except Exception as error:
            # What follows the task in Airflow settles its step all the same.
            log.warning("The mark of task %s could not be stored: %s", marked.task_id, error)


MARKER: Final = Noted("workflow-marks", _fail)
