"""What the operations on instances take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from airflow_workflow_provider.api.models import ApiModel, Body, CorrelationId, Status, Text, WorkflowName
from airflow_workflow_provider.engine.operating import Operation
from airflow_workflow_provider.store.listing import InstanceFilter

MAX_BULK = 200

Moment = Annotated[AwareDatetime, Field(strict=False)]
Reason = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
StepName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
Version = Annotated[
    Literal["same", "newest"],
    Field(description="Of the workflow: `same`, that of the instance, or the `newest`"),
]


class ReasonBody(Body):
    """Why something is done."""

    reason: Reason | None = Field(None, description="Recorded in the execution log")


class CancelBody(ReasonBody):
    """How an instance is cancelled."""

    compensate: bool = Field(
        False, description="Run the workflow's compensations first; its `onFailure` must have `compensate`"
    )


class RetryBody(ReasonBody):
    """How an instance is retried."""

    version: Version = "same"


class RestartBody(ReasonBody):
    """How an instance is restarted."""

    from_step_id: StepName | None = Field(None, description="A step that ran before; default: the start")
    input: dict[str, Any] | None = Field(None, description="New input; default: the previous one")
    version: Version = "same"


class SkipBody(ReasonBody):
    """What stands for the result of a step that failed."""

    step_id: StepName | None = Field(None, description="The step; optional if only one failed")
    output: dict[str, Any] = Field(description="What the step's task would have returned")


class SkipPreview(ApiModel):
    """What a skip would lead to; secrets are masked."""

    step_id: str
    output: dict[str, Any] | None = Field(
        description="The step's output, after its `output` transform; null if its branches would run first"
    )
    next: str | None = Field(description="The following step, `end` or `fail`; null if its branches would run first")


class BulkFilter(Body):
    """Which instances; what is not given does not restrict."""

    workflow_id: WorkflowName | None = None
    version: Text | None = None
    status: list[Status] | None = Field(None, description="Any of these")
    correlation_id: CorrelationId | None = None
    current_step_id: Text | None = None
    started_from: Moment | None = None
    started_before: Moment | None = None
    compensation_owed: bool | None = None

    def to_filter(self, permitted: set[str]) -> InstanceFilter:
        """Return it as the store takes it.

        :param permitted: the workflows that the user may operate
        """
        return InstanceFilter(
            workflow_id=self.workflow_id,
            workflow_ids=permitted,
            version=self.version,
            statuses=self.status,
            correlation_id=self.correlation_id,
            current_step_id=self.current_step_id,
            started_from=self.started_from,
            started_before=self.started_before,
            compensation_owed=self.compensation_owed,
        )


class BulkBody(ReasonBody):
    """An operation on many instances."""

    operation: Operation
    filter: BulkFilter
    dry_run: bool = Field(False, description="Only list what would be done")
    compensate: bool = Field(False, description="For `cancel`")
    version: Version = "same"
    output: dict[str, Any] | None = Field(None, description="For `skip`, which needs it")
    step_id: StepName | None = Field(None, description="For `skip`")
    from_step_id: StepName | None = Field(None, description="For `restart`")
    after: str | None = Field(None, description="`next` of the answer before")
    limit: int = Field(MAX_BULK, ge=1, le=MAX_BULK)

    @model_validator(mode="after")
    def _complete(self) -> BulkBody:
        if self.operation == "skip" and self.output is None:
            message = "skip needs an output"
            raise ValueError(message)
        return self

    def arguments(self) -> dict[str, Any]:
        """Return what the operation takes beside the reason."""
        known: dict[str, dict[str, Any]] = {
            "cancel": {"compensate": self.compensate},
            "retry": {"version": self.version},
            "restart": {"version": self.version, "from_step_id": self.from_step_id},
            "skip": {"output": self.output, "step_id": self.step_id},
        }
        return known.get(self.operation, {})


class BulkResult(ApiModel):
    """What became of one instance."""

    instance_id: UUID
    workflow_id: str
    outcome: Literal["done", "unchanged", "refused", "would"]
    code: str | None = Field(description="Of the refusal")
    detail: str | None


class BulkResults(ApiModel):
    """What became of some instances, newest first."""

    items: list[BulkResult]
    next: str | None = Field(description="`after` of the next request; null when all instances have been processed")
