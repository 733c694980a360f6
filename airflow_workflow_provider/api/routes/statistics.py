"""How instances have been doing over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.models import ApiModel, InstanceSummary, Status, WorkflowName
from airflow_workflow_provider.api.selecting import readable
from airflow_workflow_provider.api.selection_models import Cause, InstanceSelection, Moment
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.causes import Causes
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.statistics import Statistics
from airflow_workflow_provider.vocabulary import ProblemCode

router: Final = APIRouter(tags=["instances"], route_class=StrictRoute)

LONGEST: Final = timedelta(days=32)
DEFAULT: Final = timedelta(days=1)
TOP: Final = 5


class StatisticsQuery(ApiModel):
    """A time, and the workflow that counts."""

    model_config = ConfigDict(extra="forbid")

    workflow_id: WorkflowName | None = Field(None, description="Default: all that you can read")
    started_from: Moment = Field(
        default_factory=lambda: datetime.now(UTC) - DEFAULT,
        description="The first hour or day begins then; default: 24 hours ago, at most 32 days ago",
    )
    unit: Literal["hour", "day"] = "hour"


class Bucket(ApiModel):
    """The instances that started in one hour or day."""

    start: datetime
    counts: dict[Status, int] = Field(description="By status; without those that none has")
    cancelled: int = Field(description="How many of those that failed were cancelled")


class Durations(ApiModel):
    """Seconds from the start to the completion; null if none has completed."""

    p50: float | None
    p95: float | None


class Asked(ApiModel):
    """Open questions to the same people."""

    who: str = Field(description="`role:`, `group:` or `user:` and a name; or `anyone`", examples=["role:approver"])
    count: int
    oldest: datetime = Field(description="When the first of them was asked")


class InstanceStatistics(ApiModel):
    """How the instances that started in a time have been doing."""

    buckets: list[Bucket] = Field(description="In order; without those in which none started")
    durations: Durations
    causes: list[Cause] = Field(description="The five most frequent causes of failures")
    oldest_waiting: list[InstanceSummary] = Field(
        description="The five oldest instances that are suspended or wait, whenever they started"
    )
    asked: list[Asked] = Field(description="Whom open questions ask; one to several people counts for each of them")


@router.get("/statistics", responses=responses())
def get_statistics(
    services: ServicesDep, access: AccessDep, query: Annotated[StatisticsQuery, Query()]
) -> InstanceStatistics:
    """Count and measure the instances that you can read and that started since a time."""
    if datetime.now(UTC) - query.started_from > LONGEST:
        message = f"{query.started_from.isoformat()} is more than {LONGEST.days} days ago"
        raise Misuse(message, code=ProblemCode.BAD_FILTER, pointer="?startedFrom")
    wanted = InstanceSelection(workflow_id=query.workflow_id, started_from=query.started_from)
    only = readable(services, access, wanted).only
    statistics = Statistics(services.database)
    waiting = InstanceFilter(only.workflow_id, only.workflow_ids, statuses=["suspended"])
    oldest = services.instance_list.page(waiting, limit=TOP, oldest=True)
    return InstanceStatistics(
        buckets=[
            Bucket.model_validate(each) for each in statistics.buckets(only, query.unit, origin=query.started_from)
        ],
        durations=Durations.model_validate(statistics.durations(only)),
        causes=[Cause.model_validate(each) for each in Causes(services.database).of(only, limit=TOP)],
        oldest_waiting=[InstanceSummary.model_validate(each) for each in oldest.items],
        asked=[Asked.model_validate(each) for each in statistics.asked(only)],
    )
