"""Requests and responses: JSON in camelCase; bodies are strict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic.alias_generators import to_camel

from airflow_workflow_provider.engine.instance_records import MAX_CORRELATION_ID
from airflow_workflow_provider.engine.operating import Operation
from airflow_workflow_provider.model.fixing import fixes_of
from airflow_workflow_provider.model.scenario import Arrival, GivenAnswer

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""A text that PostgreSQL can compare with."""

WorkflowName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,200}$")]
CorrelationId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CORRELATION_ID, pattern=r"^[^\x00]*$")]
Status = Literal["running", "completed", "failed", "suspended"]
DisplayStatus = Literal["running", "queued", "waiting", "suspended", "completed", "failed", "cancelled"]
Severity = Literal["error", "warning"]


class ApiModel(BaseModel):
    """A JSON object of the API."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class Body(ApiModel):
    """A JSON object that a client sends: unknown keys are errors, values are never converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Finding(ApiModel):
    """One thing that is wrong, or questionable, at one place."""

    code: str = Field(examples=["WF201"])
    severity: Severity
    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the body, empty for the whole; "
        "`?name` for a parameter, `name:` for a header"
    )
    message: str
    suggestion: str | None = None


class Problem(ApiModel):
    """An error (RFC 9457)."""

    type: str = Field(examples=["urn:airflow-workflows:problem:invalid-definition"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["invalid-definition"])
    pointer: str | None = None
    suggestion: str | None = None
    diagnostics: list[Finding] | None = Field(None, description="Every finding, where there are several places")


# Definitions


class DefinitionSummary(ApiModel):
    """The current definition of a workflow, as lists show it."""

    workflow_id: str
    name: str
    description: str | None
    version: str
    revision: int
    active: bool = Field(description="Whether new instances may start")
    created_at: datetime
    updated_at: datetime


class DefinitionPage(ApiModel):
    """Some workflows, by id."""

    items: list[DefinitionSummary]
    next: str | None = Field(description="`after` of the next page; null after the last")
    editable: bool = Field(description="Whether you may publish workflows in general")


class Publication(ApiModel):
    """One publication of a workflow."""

    workflow_id: str
    version: str
    revision: int
    digest: str
    created_at: datetime
    created_by: str | None


class DefinitionVersion(Publication):
    """One publication of a workflow with its document, in the order in which its author wrote it."""

    document: dict[str, Any]
    source: str | None = Field(description="The text as it was published; null of versions from before it was kept")


class Publications(ApiModel):
    """All publications of a workflow, newest first."""

    items: list[Publication]


class PublishedDefinition(ApiModel):
    """The result of a publication."""

    workflow_id: str
    version: str
    revision: int
    outcome: Literal["created", "updated", "unchanged"]
    diagnostics: list[Finding] = Field(description="Warnings")


class SuggestedFix(ApiModel):
    """The fix of a finding that has exactly one."""

    pointer: str = Field(description="JSON pointer (RFC 6901) of the finding")
    part: Literal["key", "value"] = Field(description="What is renamed: the last key of `pointer`, or the text at it")
    name: str = Field(description="The name that it gets")


class Validation(ApiModel):
    """The findings of a document."""

    valid: bool
    diagnostics: list[Finding]
    fixes: list[SuggestedFix] = Field(description="Of the findings that have exactly one fix")

    @classmethod
    def of(cls, diagnostics: Sequence[Diagnostic], *, valid: bool) -> Validation:
        """The findings with their fixes."""
        findings = [Finding(**each.as_json()) for each in diagnostics]
        return cls(
            valid=valid, diagnostics=findings, fixes=[SuggestedFix(**asdict(fix)) for fix in fixes_of(diagnostics)]
        )


class Change(ApiModel):
    """One place where two documents differ."""

    pointer: str = Field(description="Steps, branches and components are named by their ids")
    change: Literal["added", "removed", "changed"]
    old: Any = None
    new: Any = None


class Diff(ApiModel):
    """The differences between two documents."""

    changes: list[Change]


# Tasks


class TaskSummary(ApiModel):
    """A task that steps can name."""

    task_id: str
    name: str
    description: str | None
    operator: str
    source: Literal["built-in", "python", "stored"]
    arguments_schema: dict[str, Any] | None = Field(
        None, description="JSON Schema of the `arguments` of a step; null where the task does not say"
    )
    revision: int | None = Field(None, description="Null if it is not stored")


class TaskList(ApiModel):
    """The tasks, by id."""

    items: list[TaskSummary]


class TaskPublication(ApiModel):
    """One publication of a task."""

    task_id: str
    revision: int
    digest: str
    created_at: datetime
    created_by: str | None


class TaskVersion(TaskPublication):
    """One publication of a task with its document."""

    document: dict[str, Any]


class TaskPublications(ApiModel):
    """All publications of a task, newest first."""

    items: list[TaskPublication]


class PublishedTask(ApiModel):
    """The result of a publication."""

    task_id: str
    revision: int
    outcome: Literal["created", "updated", "unchanged"]
    diagnostics: list[Finding] = Field(description="Warnings")


# Instances


class StartBody(Body):
    """The start of an instance."""

    input: dict[str, Any] = Field(default_factory=dict, description="Checked against the workflow's `inputSchema`")
    correlation_id: CorrelationId | None = Field(None, description="Business identifier of the instance")
    min_revision: int | None = Field(
        None,
        ge=0,
        description="Run the workflow as it was at this revision, or newer. Default: as it is published now. "
        "`0`: what Airflow has loaded, even if it is older",
    )


class ErrorSummary(ApiModel):
    """The kind of failure that ended an instance; its message may contain secrets and is omitted."""

    type: str
    code: str | None = None
    step_id: str | None = None
    at: datetime | None = None


class InstanceBase(ApiModel):
    """An instance as lists show it."""

    id: UUID
    workflow_id: str
    version: str
    revision: int
    status: Status
    display_status: DisplayStatus = Field(
        description="The status in more detail: `queued` if it waits for its turn, `waiting` if it waits for people, "
        "events or a time and no operator has suspended it, `cancelled` if it failed because it was cancelled, else as "
        "`status`"
    )
    current_step_id: str | None
    correlation_id: str | None
    dag_id: str
    run_id: str
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    deadline_at: datetime | None
    parent_instance_id: UUID | None
    parent_step_id: str | None
    queue_position: int | None = Field(
        None, description="From 1, while it is `queued`: it waits because as many instances run as the workflow allows"
    )
    compensations_owed: int = Field(
        description="Completed steps that are still to be compensated, because the instance ended before that was done"
    )


class InstanceSummary(InstanceBase):
    """An instance, as lists show it."""

    error: ErrorSummary | None
    started_by: str | None = Field(description="Name of the user who started it; null if nobody did")


class Instance(InstanceBase):
    """An instance with its documents, secrets masked."""

    error: dict[str, Any] | None
    input: dict[str, Any]
    output: Any
    event: dict[str, Any] | None
    state: dict[str, Any] = Field(description="input, event, variables, data, steps and activeSteps")
    operations: list[Operation] = Field(description="Operations that you may perform now")


class InstancePage(ApiModel):
    """Some instances, newest first."""

    items: list[InstanceSummary]
    next: str | None = Field(description="`after` of the next page; null after the last")


class LogEntry(ApiModel):
    """One thing that happened."""

    id: int
    at: datetime
    level: Literal["debug", "info", "error"]
    event: str
    step_id: str | None
    scope: str
    visit: int | None
    attempt: int | None
    actor: dict[str, Any] | None
    metadata: dict[str, Any] | None
    data: dict[str, Any] | None
    message: str | None


class LogPage(ApiModel):
    """Some rows of the execution log, in order."""

    items: list[LogEntry]
    next: int | None = Field(description="`after` of the next page; null if there are no more rows yet")


# Simulation


def _in_reach(start: datetime) -> datetime:
    if not 1970 <= start.year <= 9000:  # noqa: PLR2004
        msg = "the time has to be between the years 1970 and 9000"
        raise ValueError(msg)
    return start


class ScriptedAnswer(GivenAnswer):
    """What one person answers to a question of a simulation."""


class SimulateBody(Body):
    """What to simulate: a document, or a stored workflow."""

    definition: dict[str, Any] | None = Field(None, description="A workflow document; give this or `workflowId`")
    workflow_id: WorkflowName | None = Field(None, description="A stored workflow; give this or `definition`")
    version: Text | None = Field(None, description="One of its versions; the current one by default")
    input: dict[str, Any] = Field(default_factory=dict)
    mocks: dict[str, Any] = Field(default_factory=dict, description="Outcomes by stepId or taskId")
    event: dict[str, Any] | None = None
    correlation_id: CorrelationId | None = None
    start: Annotated[AwareDatetime, Strict(False), AfterValidator(_in_reach)] | None = Field(
        None, description="Virtual time at the start, between the years 1970 and 9000; now by default"
    )
    answers: dict[str, list[ScriptedAnswer]] = Field(
        default_factory=dict, description="Answers by the stepId of the question, used in order"
    )
    events: list[Arrival] = Field(default_factory=list, description="Events for steps that wait")


class SimulationResult(ApiModel):
    """The result of a simulated instance."""

    status: Literal["completed", "failed"]
    output: Any
    error: dict[str, Any] | None
    path: list[dict[str, Any]]
    state: dict[str, Any]
    diagnostics: list[Finding]
    warnings: list[str] = Field(description="Tasks that had no mock and returned {}, and answers that were refused")
