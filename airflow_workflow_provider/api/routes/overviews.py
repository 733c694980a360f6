"""Recent instances of workflows, for pages that list them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.models import ApiModel, DisplayStatus, Status, WorkflowName
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.store.overview import MAX_RECENT, Overviews

router: Final = APIRouter(tags=["definitions"], route_class=StrictRoute)

MAX_WORKFLOWS: Final = 100
Permission = Literal["edit", "start", "operate"]
_RIGHTS: Final[dict[Permission, Right]] = {"edit": Right.EDIT, "start": Right.START, "operate": Right.OPERATE}


class RecentInstance(ApiModel):
    """An instance as a bar among others."""

    id: UUID
    dag_id: str
    run_id: str
    status: Status
    display_status: DisplayStatus
    started_at: datetime
    completed_at: datetime | None


class WorkflowOverview(ApiModel):
    """A summary of one workflow."""

    workflow_id: str
    active: bool = Field(description="Whether new instances may start")
    counts: dict[Status, int] = Field(
        description="Instances by status: all that have not ended, and of those that have, the ones started in `days`"
    )
    cancelled: int = Field(description="How many of those that failed were cancelled")
    recent: list[RecentInstance] = Field(description="The newest instances, the newest last")
    permissions: list[Permission] = Field(description="What you may do with it besides reading")


class WorkflowOverviews(ApiModel):
    """Summaries of workflows, by id."""

    items: list[WorkflowOverview]


@router.get("/overviews", responses=responses())
def list_overviews(
    *,
    services: ServicesDep,
    access: AccessDep,
    workflow_id: Annotated[list[WorkflowName], Query(alias="workflowId", min_length=1, max_length=MAX_WORKFLOWS)],
    days: Annotated[int, Query(ge=1, le=366, description="How far back ended instances count")] = 7,
    recent: Annotated[int, Query(ge=0, le=MAX_RECENT, description="How many of the newest instances")] = 12,
) -> WorkflowOverviews:
    """Summarize workflows: instances by status, and the newest ones.

    Those that you may not read, or that do not exist, are left out.
    """
    permitted = access.permitted(Right.READ_INSTANCES, workflow_id)
    since = datetime.now(UTC) - timedelta(days=days)
    found = Overviews(services.database).of(permitted, since=since, recent=recent)
    allowed = {name: access.permitted(right, permitted) for name, right in _RIGHTS.items()}
    return WorkflowOverviews(
        items=[
            WorkflowOverview.model_validate(
                {**vars(each), "permissions": [name for name, ids in allowed.items() if each.workflow_id in ids]}
            )
            for each in found
        ]
    )
