"""What Airflow says about a DAG run that has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class EndedRun:
    """A DAG run that has ended.

    :param succeeded: how, as Airflow says
    :param reason: why, in Airflow's words
    """

    dag_id: str
    run_id: str
    conf: dict[str, Any]
    succeeded: bool
    reason: str


class NotedRun(Protocol):
    """Airflow's DAG run, as far as its end is noted."""

    dag_id: str
    run_id: str
    conf: Any
