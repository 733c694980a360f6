"""A task that a person has marked, as far as Airflow says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MarkedTask:
    """A task that a person has marked as failed."""

    dag_id: str
    run_id: str
    task_id: str
