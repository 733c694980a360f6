"""Airflow's secrets masker (rule L4).

Airflow has two, each with its own secrets: one in its server processes and one in the processes of tasks.
"""

from __future__ import annotations

from typing import Any, Final

from airflow_workflow_provider.model.json_text import MAX_DEPTH

LOG_DEPTH: Final = 100
"""Depth down to which values are masked that a task logs."""


def server_mask(value: Any) -> Any:
    """Return a value without what the masker of a server process knows, at every depth."""
    from airflow._shared.secrets_masker import redact

    return redact(value, max_depth=MAX_DEPTH)


def task_mask(value: Any) -> Any:
    """Return a value without what the masker of a task's process knows, for a log."""
    from airflow.sdk._shared.secrets_masker import redact

    return redact(value, max_depth=LOG_DEPTH)


def masked_text(text: str) -> str:
    """Return a text without the secrets that the masker of a task's process knows."""
    from airflow.sdk._shared.secrets_masker import redact

    return str(redact(text))


def names_a_secret(name: str) -> bool:
    """Return whether Airflow masks whatever has this name."""
    from airflow._shared.secrets_masker import should_hide_value_for_key

    return bool(should_hide_value_for_key(name))  # type: ignore[no-untyped-call]
