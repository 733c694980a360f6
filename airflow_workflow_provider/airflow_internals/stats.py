"""Airflow's statistics (StatsD or OpenTelemetry, as ``[metrics]`` configures them), whichever process this is."""

from __future__ import annotations

import sys
from datetime import timedelta
from importlib import import_module
from typing import Any, Protocol, cast


class Stats(Protocol):
    """Airflow's functions for metrics, as far as they are used."""

    def incr(self, stat: str, count: int = 1, *, tags: dict[str, Any] | None = None) -> None:
        """Count."""

    def gauge(self, stat: str, value: float, *, tags: dict[str, Any] | None = None) -> None:
        """Set a value."""

    def timing(self, stat: str, dt: timedelta, *, tags: dict[str, Any] | None = None) -> None:
        """Report a duration."""


def stats() -> Stats | None:
    """Return Airflow's statistics; None in a process without Airflow.

    The process of a task has others than Airflow's daemons, and may have been forked from one of these.
    """
    if "airflow" not in sys.modules:
        return None
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    is_task = getattr(runner, "SUPERVISOR_COMMS", None) is not None
    found = import_module("airflow.sdk.observability.stats" if is_task else "airflow.observability.stats")
    return cast("Stats", found)
