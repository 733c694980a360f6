"""What Airflow says about a DAG run that has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
