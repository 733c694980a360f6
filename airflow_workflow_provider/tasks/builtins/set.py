"""The built-in task ``set``."""

from __future__ import annotations

from airflow_workflow_provider.tasks.builtin import Builtin

TASK = Builtin(
    id="set",
    title="Set",
    summary="Returns its arguments.",
    schema={"type": "object"},
    run=lambda arguments, _: dict(arguments),
    pure=True,
)
