"""Requests about many instances: filters, pages, numbers and files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from airflow_workflow_provider.api.models import ApiModel, DisplayStatus, Status, Text, WorkflowName
from airflow_workflow_provider.store.listing import MAX_PAGE

Moment = Annotated[AwareDatetime, Field(strict=False)]
Identifier = Annotated[UUID, Field(strict=False)]
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
Order = Annotated[Literal["newest", "oldest"], Field(description="Which ones come first, by the time of their start")]


class InstanceSelection(ApiModel):
    """A filter of instances; absent fields do not restrict."""

    workflow_id: WorkflowName | None = None
    version: Text | None = None
    status: list[Status] | None = Field(None, description="Any of these")
    display_status: list[DisplayStatus] | None = Field(None, description="Shown with any of these")
    correlation_id: Text | None = Field(None, description="The whole correlation id")
    search: SearchText | None = Field(
        None, description="A text in the correlation id or the run id, in any case, or an instance id"
    )
    current_step_id: Text | None = None
    step_id: Text | None = Field(None, description="The current step, or the step in which it failed")
    error_type: Text | None = None
    error_code: Text | None = Field(None, description="Empty for an error without a code")
    error_step_id: Text | None = Field(None, description="Empty for an error of the workflow itself")
    started_by: Text | None = Field(None, description="Name of the user who started it")
    started_from: Moment | None = None
    started_before: Moment | None = None
    parent_instance_id: Identifier | None = None
    compensation_owed: bool | None = Field(None, description="Whether compensations are still to be run")
    input: list[str] | None = Field(
        None,
        description="Conditions on the input, all of which must hold, such as `$.customer.id == 42`, "
        '`$.lines[0].sku == "A-1"` or `$.vip`; needs `workflowId`',
        examples=[['$.customer == "c-1"', "$.amount >= 1000"]],
        max_length=10,
    )


class InstanceSelectionQuery(InstanceSelection):
    """A filter of instances as parameters of a request."""

    model_config = ConfigDict(extra="forbid")


class InstanceQuery(InstanceSelectionQuery):
    """A filter of instances, and a page of them."""

    order: Literal["newest", "oldest"] = Field(
        "newest", description="Which ones come first, by the time of their start"
    )
    after: Text | None = Field(None, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=MAX_PAGE)


class InstanceExportQuery(InstanceSelectionQuery):
    """A filter of instances, and how to write them."""

    order: Literal["newest", "oldest"] = Field(
        "newest", description="Which ones come first, by the time of their start"
    )
    format: Literal["csv", "json"] = "csv"


class Cause(ApiModel):
    """Failures of the same kind in the same step of a workflow."""

    workflow_id: str
    step_id: str | None = Field(description="Where they occurred; null for the workflow itself")
    error_type: str | None
    error_code: str | None
    count: int = Field(description="How many instances failed so")
    first: datetime = Field(description="When the oldest of them started")
    last: datetime = Field(description="When the newest of them started")


class InstanceCounts(ApiModel):
    """The numbers of the instances that match a filter."""

    counts: dict[Status, int] | None = Field(
        description="By status; null if the filter has conditions on the input, which are not counted"
    )
    cancelled: int | None = Field(description="How many of those that failed were cancelled; null as `counts`")
    causes: list[Cause] = Field(
        description="Why they failed, the most frequent cause first, at most 20; cancelled instances are left out"
    )
    operable: bool = Field(description="Whether you may operate the instances of at least one of these workflows")
