"""A task that a user has marked, as Airflow reports it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MarkedTask:
    """A task that a person has marked as failed."""

    dag_id: str
    run_id: str
    task_id: str
