"""Airflow's audit log: who changed what.

The same rows that Airflow's own routes write. Written here rather than with Airflow's ``action_logging``, which copies
the request's body: an input may hold secrets that only the workflow's definition names (rule L4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.airflow_db.audit import write_row
from airflow_workflow_provider.airflow_db.lookups import dag_exists

if TYPE_CHECKING:
    from airflow_workflow_provider.api.access import Access


def record(
    access: Access, event: str, *, workflow_id: str | None = None, run_id: str | None = None, **extra: Any
) -> None:
    """Write a row, committed at once: the attempt is recorded even where what follows fails.

    :param event: what is done, such as ``workflow.start``
    :param extra: more about it, never from a body as it is
    """
    given = {key: value for key, value in extra.items() if value is not None}
    write_row(event, access.user_name, given, workflow_id, run_id)


class ByRequest:
    """Airflow, as a publication by a request asks it."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def dag_exists(self, dag_id: str) -> bool:
        """Tell whether Airflow has a DAG of this id that is not gone."""
        return dag_exists(dag_id)

    def record(self, event: str, *, workflow_id: str | None = None, **extra: Any) -> None:
        """Write a row for the user of the request."""
        record(self._access, event, workflow_id=workflow_id, **extra)
