"""The arguments of an assistant's tools, from which their JSON Schemas are made."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from airflow_workflow_provider.model.definition import STEP_ID_PATTERN, WORKFLOW_ID_PATTERN
from airflow_workflow_provider.model.task import TASK_ID_PATTERN


def _one_segment(text: str) -> str:
    """Refuse what a path takes for a folder, so that no id leads to another address."""
    if text in (".", ".."):
        message = "this is not an id"
        raise ValueError(message)
    return text


WorkflowId = Annotated[
    str, Field(pattern=WORKFLOW_ID_PATTERN, examples=["order-approval"]), AfterValidator(_one_segment)
]
TaskId = Annotated[str, Field(pattern=TASK_ID_PATTERN), AfterValidator(_one_segment)]
StepId = Annotated[str, Field(pattern=STEP_ID_PATTERN)]
Limit = Annotated[int, Field(ge=1, le=100, description="Maximum number of items")]
After = Annotated[str | None, Field(description="'next' of the page before")]
Object = dict[str, Any]
HEADER: Final = "^[!-~]+$"
"""What a header can hold."""


class Arguments(BaseModel):
    """The arguments of a tool; they are named as in the REST API."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, hide_input_in_errors=True)


class Reading(Arguments):
    """The arguments of a tool that only reads."""

    pointer: str = Field("", description="JSON Pointer of the part of the answer to return, such as /steps/3")


class FindWorkflows(Reading):
    """Which workflows to list."""

    search: str | None = Field(None, description="Words that must be in the id, name or description")
    active: bool | None = Field(None, description="Only active workflows, or only those that are not")
    limit: Limit = 20
    after: After = None


class ShowDefinition(Reading):
    """A workflow, and which version of it."""

    workflow_id: WorkflowId
    version: str | None = Field(None, description="Default: the current version")


class ListTasks(Reading):
    """All tasks are listed."""


class ShowTask(Reading):
    """A task."""

    task_id: TaskId


class Validate(Reading):
    """A definition to check."""

    definition: Object = Field(description="The whole definition, as a JSON object")


class Simulate(Reading):
    """What to simulate: a definition or a stored workflow, its input and its mocks."""

    definition: Object | None = Field(None, description="A definition; give this or workflowId")
    workflow_id: WorkflowId | None = Field(None, description="A stored workflow; give this or definition")
    version: str | None = Field(None, description="Of the stored workflow; default: the current version")
    input: Object = Field(default_factory=dict)
    mocks: Object = Field(
        default_factory=dict,
        description='Outcomes by stepId or taskId, such as {"charge": [{"error": {"type": "Down"}}, {"output": {}}]}',
    )
    correlation_id: str | None = None


class FindInstances(Reading):
    """Which instances to list."""

    workflow_id: WorkflowId | None = None
    status: list[Literal["running", "completed", "failed", "suspended"]] | None = Field(
        None, description="Any of these"
    )
    search: str | None = Field(None, description="A text in the correlation id or run id, or an instance id")
    correlation_id: str | None = Field(None, description="The whole correlation id")
    step_id: StepId | None = Field(None, description="The current step, or the step in which it failed")
    error_type: str | None = None
    started_from: str | None = Field(None, description="RFC 3339 time", examples=["2026-03-01T00:00:00Z"])
    started_before: str | None = Field(None, description="RFC 3339 time")
    order: Literal["newest", "oldest"] = "newest"
    limit: Limit = 20
    after: After = None


class ShowInstance(Reading):
    """An instance, and which page of its log."""

    instance_id: UUID
    level: Literal["debug", "info", "error"] = Field("info", description="Most detailed level of the log")
    limit: Limit = 50
    after: int = Field(0, ge=0, description="'next' of the page of the log before")


class ShowStep(Reading):
    """A step of an instance."""

    instance_id: UUID
    step_id: StepId


class ListQuestions(Reading):
    """Which questions to list."""

    mine: bool = Field(True, description="Only questions that ask the user; else all that the user can read")
    workflow_id: WorkflowId | None = None
    instance_id: UUID | None = None
    status: list[Literal["open", "answered", "expired", "withdrawn"]] = Field(["open"], description="Any of these")
    limit: Limit = 20
    after: After = None


class ShowQuestion(Reading):
    """A question."""

    question_id: UUID


class Start(Arguments):
    """A workflow to start, and with what."""

    workflow_id: WorkflowId
    input: Object = Field(default_factory=dict, description="It must fit the inputSchema of the workflow")
    correlation_id: str | None = Field(None, description="Business identifier of the instance")
    if_version: str | None = Field(None, pattern=HEADER, description="Start only if this version will run")
    idempotency_key: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        pattern=HEADER,
        description="Repeat a start that had no answer with the same key: it starts one instance only",
    )


class Operate(Arguments):
    """An instance to operate, and why."""

    instance_id: UUID
    reason: str | None = Field(None, description="Recorded in the execution log")


class Cancel(Operate):
    """An instance to cancel."""

    compensate: bool = Field(False, description="Run the compensations first")


class Retry(Operate):
    """An instance to retry."""

    version: Literal["same", "newest"] = Field("same", description="Version of the workflow to continue on")


class Answer(Arguments):
    """A question and its answer."""

    question_id: UUID
    decision: str = Field(description="One of the options of the question")
    form: Object | None = Field(None, description="It must fit the schema of the question")
    comment: str | None = None
