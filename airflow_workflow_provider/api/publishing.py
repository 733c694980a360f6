"""Publications by requests, as the user of the request."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.airflow_db.lookups import dag_exists
from airflow_workflow_provider.operations.publishing import Publishing

if TYPE_CHECKING:
    from airflow_workflow_provider.api.access import Access
    from airflow_workflow_provider.api.services import Services


class ByRequest:
    """Airflow, as a publication by a request asks it.

    :param access: the permissions of the user
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    def dag_exists(self, dag_id: str) -> bool:
        """Return whether Airflow has a DAG of this id that was not deleted."""
        return dag_exists(dag_id)

    def record(self, event: str, *, workflow_id: str | None = None, **extra: Any) -> None:
        """Write a row for the user of the request."""
        self._access.record(event, workflow_id=workflow_id, **extra)


def publishing(services: Services, access: Access) -> Publishing:
    """Return what publishes with the rights of a user."""
    # A validation asks for no operator.
    catalogue = cache(services.catalogue)

    def operator_of(task_id: str) -> str | None:
        task = catalogue().get(task_id)
        return None if task is None else task.operator

    return Publishing(
        services.definitions,
        services.tasks,
        ByRequest(access),
        operator_of,
        access.user_name,
        access.publisher,
        access,
    )
