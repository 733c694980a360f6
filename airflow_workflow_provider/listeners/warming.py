"""Importing early what every task and every DAG file of a workflow needs, where Airflow forks their processes from.

With the LocalExecutor tasks are forks of forks of the scheduler, so what the scheduler has imported no task imports
again: about half a second of processor time a step. The dag-processor forks a process for each file: one that finds
everything imported and compiled takes a third of the processor time.
"""

from __future__ import annotations

import json
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


_SAMPLE: Final = {
    "workflowId": "sample",
    "name": "Sample",
    "version": "1.0.0",
    "inputSchema": {"type": "object", "properties": {"number": {"type": "integer"}}},
    "steps": [
        {
            "stepId": "choose",
            "taskId": "set",
            "arguments": {
                "cel": {"type": "cel", "expression": "input.number + 1"},
                "jsonata": {"type": "jsonata", "expression": "input.number + 1"},
                "template": "{{ input.number }}",
            },
            "next": [{"nextStepId": "wait", "condition": "input.number > 1"}, {"nextStepId": "end"}],
        },
        {"stepId": "wait", "taskId": "wait", "arguments": {"duration": "PT1S"}},
    ],
}
"""A definition that needs what most need."""


@hookimpl
def on_starting(component: Any) -> None:  # noqa: ARG001 - Airflow calls it before it identifies itself
    """Import what tasks need, in a scheduler, and what DAG files need, in a dag-processor."""
    try:
        if "scheduler" in sys.argv:
            _import(NEEDED)
        elif "dag-processor" in sys.argv:
            prepare_parsing()
    except Exception:
        log.exception("What tasks and DAG files of workflows need could not be imported early")


def prepare_parsing() -> None:
    """Build a DAG and serialize it, so that a process that is forked from this one imports and compiles nothing."""
    from airflow_workflow_provider.airflow_db.serializing import serialize
    from airflow_workflow_provider.dag.source import dag_of

    serialize(dag_of(revision=0, definition=json.dumps(_SAMPLE), tasks="[]"))


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        import_module(name)
