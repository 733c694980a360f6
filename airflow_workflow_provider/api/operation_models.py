"""Requests and responses of the operations on instances."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from airflow_workflow_provider.api.models import ApiModel, Body, Finding
from airflow_workflow_provider.api.selection_models import Identifier, InstanceSelection
from airflow_workflow_provider.engine.operating import Operation
from airflow_workflow_provider.model.definition import MAX_VERSION_LENGTH

MAX_BULK = 200

Reason = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
StepName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
Version = Annotated[
    Literal["same", "newest"],
    Field(description="Of the workflow: `same`, that of the instance, or the `newest`"),
]


VersionName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_VERSION_LENGTH, pattern=r"^[^\x00]*$")]


class ReasonBody(Body):
    """Why something is done."""

    reason: Reason | None = Field(None, description="Recorded in the execution log")


class CancelBody(ReasonBody):
    """Options of a cancellation."""

    compensate: bool = Field(
        False, description="Run the workflow's compensations first; its `onFailure` must have `compensate`"
    )


class RetryBody(ReasonBody):
    """Options of a retry."""

    version: Version = "same"


class RestartBody(ReasonBody):
    """Options of a restart."""

    from_step_id: StepName | None = Field(None, description="A step that ran before; default: the start")
    input: dict[str, Any] | None = Field(None, description="New input; default: the previous one")
    version: Version = "same"


class SkipBody(ReasonBody):
    """The output that replaces the result of a failed step."""

    step_id: StepName | None = Field(None, description="The step; optional if only one failed")
    output: dict[str, Any] = Field(description="What the step's task would have returned")


class MigrateBody(ReasonBody):
    """The version in which an instance is to continue."""

    to_version: VersionName | None = Field(None, description="A published version; default: the newest")


class SkipPreview(ApiModel):
    """The effect of a skip; secrets are masked."""

    step_id: str
    output: dict[str, Any] | None = Field(
        description="The step's output, after its `output` transform; null if its branches would run first"
    )
    next: str | None = Field(description="The following step, `end` or `fail`; null if its branches would run first")


class BulkFilter(Body, InstanceSelection):
    """A filter of instances; absent fields do not restrict."""

    ids: list[Identifier] | None = Field(None, description="Any of these instances", max_length=MAX_BULK)


class BulkBody(ReasonBody):
    """An operation on many instances."""

    operation: Operation
    filter: BulkFilter
    dry_run: bool = Field(False, description="Only list what would be done")
    compensate: bool = Field(False, description="For `cancel`")
    version: Version = "same"
    output: dict[str, Any] | None = Field(None, description="For `skip`, which needs it")
    step_id: StepName | None = Field(None, description="For `skip`")
    to_version: VersionName | None = Field(None, description="For `migrate`; default: the newest")
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
            "migrate": {"version": self.to_version},
        }
        return known.get(self.operation, {})


class BulkResult(ApiModel):
    """The result of an operation on one instance."""

    instance_id: UUID
    workflow_id: str
    correlation_id: str | None
    outcome: Literal["done", "unchanged", "refused", "would"]
    code: str | None = Field(description="Of the refusal")
    detail: str | None
    findings: list[Finding] = Field(
        description="Every reason of a refused `migrate`, with its place in the definition; else empty"
    )


class BulkResults(ApiModel):
    """The results of an operation on several instances, newest first."""

    items: list[BulkResult]
    next: str | None = Field(description="`after` of the next request; null when all instances have been processed")
