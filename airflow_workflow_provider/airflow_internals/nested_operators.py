"""Executing an operator inside another one.

Airflow refuses to execute an operator anywhere but in the task that runs; its safeguard keeps the operator that it
expects in a context variable.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk.bases.operator import ExecutorSafeguard


@contextmanager
def executing(operator: Any) -> Iterator[None]:
    """Let an operator be executed as if it were the one of the running task."""
    token = ExecutorSafeguard.tracker.set(operator)
    try:
        yield
    finally:
        ExecutorSafeguard.tracker.reset(token)
