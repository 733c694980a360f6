"""Publications by requests, as the user of the request."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from airflow_workflow_provider.api.audit import ByRequest
from airflow_workflow_provider.operations.publishing import Publishing

if TYPE_CHECKING:
    from airflow_workflow_provider.api.access import Access
    from airflow_workflow_provider.api.services import Services


def publishing(services: Services, access: Access) -> Publishing:
    """Return what publishes with the rights of a user."""
    # A validation asks for no operator.
    catalogue = cache(services.catalogue)

    def operator_of(task_id: str) -> str | None:
        task = catalogue().get(task_id)
        return None if task is None else task.operator

    return Publishing(
        services.definitions, services.tasks, ByRequest(access), operator_of, access.user_name, access.publisher
    )
