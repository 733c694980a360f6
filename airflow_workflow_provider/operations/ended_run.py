"""What Airflow reports about a DAG run that has begun or ended."""

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


@dataclass(frozen=True)
class UncarriedRun:
    """A DAG run that has begun with what Airflow cannot hand to its tasks.

    :param triggered_by: the name of the user who did it, if one did
    """

    dag_id: str
    run_id: str
    conf: dict[str, Any]
    triggered_by: str | None


class NotedRun(Protocol):
    """Airflow's DAG run, as far as its beginning and its end are noted."""

    dag_id: str
    run_id: str
    conf: Any
    triggering_user_name: str | None
