"""The execution log of an instance."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.models import LogEntry, LogPage, Text
from airflow_workflow_provider.api.routes.instances import readable_instance
from airflow_workflow_provider.operations.permission import Right

router: Final = APIRouter(tags=["log"], route_class=StrictRoute)


@router.get("/instances/{instance_id}/log", responses=responses())
def read_log(
    *,
    services: ServicesDep,
    access: AccessDep,
    instance_id: UUID,
    level: Annotated[
        Literal["debug", "info", "error"] | None, Query(description="Omit rows of more detailed levels")
    ] = None,
    step_id: Annotated[Text | None, Query(alias="stepId")] = None,
    after: Annotated[int, Query(ge=0, lt=2**63, description="`next` of the page before, or the last `id` seen")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> LogPage:
    """Read the execution log of an instance in chronological order; continue with `after`."""
    readable_instance(services, access, instance_id, Right.READ_LOG)
    rows = services.logs.read(instance_id, after_id=after, level=level, step_id=step_id, limit=limit + 1)
    items = [LogEntry.model_validate(row) for row in rows[:limit]]
    return LogPage(items=items, next=items[-1].id if len(rows) > limit else None)
