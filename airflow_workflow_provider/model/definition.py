"""The workflow document as immutable objects: every field of the format, and nothing else.

These classes say what a document may *contain*. What it may *mean* (references that exist, expressions that
compile, steps that can be reached) is the business of :mod:`airflow_workflow_provider.model.checks`; identifiers,
durations and expressions are therefore plain strings here.

JSON keys are camelCase, Python names snake_case; both are accepted on input.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag
from pydantic.alias_generators import to_camel

END: Final = "end"
"""Reserved target: ends the path (rule T4)."""

FAIL: Final = "fail"
"""Reserved target: fails the step list (rule T4)."""

RESERVED_TARGETS: Final = frozenset({END, FAIL})

WORKFLOW_ID_PATTERN: Final = "^[A-Za-z0-9_.-]{1,200}$"
STEP_ID_PATTERN: Final = "^[A-Za-z0-9_-]{1,100}$"
MAX_NAME_LENGTH: Final = 255
MAX_VERSION_LENGTH: Final = 50
MAX_COUNT: Final = 1_000_000
"""No counter of the format (attempts, visits, items at a time) is larger than this."""

ONE_POLICY: Final = "(one policy)"
MANY_POLICIES: Final = "(list of policies)"
UNION_TAGS: Final = frozenset({ONE_POLICY, MANY_POLICIES})
"""Parts of a pydantic error location that are no part of the document."""

T = TypeVar("T")


def _whole(value: object) -> object:
    """JSON does not tell 3 from 3.0; a JSON Schema validator takes both for an integer, and so do we."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _policy_form(value: object) -> str:
    return MANY_POLICIES if isinstance(value, (list, tuple)) else ONE_POLICY


Rows = Annotated[tuple[T, ...], Strict(False)]
"""A JSON array, kept as a tuple."""

Count = Annotated[int, Field(ge=1, le=MAX_COUNT), BeforeValidator(_whole)]
CountOrZero = Annotated[int, Field(ge=0, le=MAX_COUNT), BeforeValidator(_whole)]
Identifier = Annotated[str, Field(json_schema_extra={"pattern": STEP_ID_PATTERN})]
Target = Annotated[str, Field(description="stepId of the same step list, or `end`, or `fail`")]
ErrorType = Annotated[str, Field(min_length=1)]
DurationText = Annotated[str, Field(json_schema_extra={"format": "duration"})]
Condition = Annotated[str, Field(description="CEL expression that yields true or false")]
Execution = Literal["tasks", "inline"]
"""One Airflow task per step, or all steps in one task (rule T8)."""
UiFormat = Literal["text", "number", "percent", "date", "datetime", "duration", "boolean", "json", "markdown", "link"]
"""How a value of a component is written."""


class Node(BaseModel):
    """Base of everything in a document: strict, closed, immutable."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
        # Only what is read needs a validator, and building all of them takes a fifth of the time to import this.
        defer_build=True,
        # Documents are data from outside: no part of one belongs into a message without being shortened first.
        hide_input_in_errors=True,
    )


class Transform(Node):
    """Computes a JSON value from the bindings (rule X3)."""

    type: Literal["jmespath", "jsonata"]
    expression: str


class ArgumentTransform(Node):
    """A transform inside a step's ``arguments``, where CEL is possible too (rule K3)."""

    type: Literal["jmespath", "jsonata", "cel"]
    expression: str


class RetryPolicy(Node):
    """When and how often a failed attempt is followed by another (rule F2)."""

    max_attempts: Count = Field(1, description="All attempts, the first included")
    delay: DurationText = "PT0S"
    strategy: Literal["fixed", "exponential"] = "fixed"
    max_delay: DurationText | None = None
    multiplier: float = Field(2.0, gt=0, le=1000, description="Growth of the delay; strategy exponential only")
    jitter: float = Field(0.0, ge=0, le=1, description="The delay times a random number in [1-jitter, 1+jitter]")
    retry_on: Rows[ErrorType] = Field((), description="Error types that are retried; absent means all")
    do_not_retry_on: Rows[ErrorType] = Field((), description="Error types that are not retried; wins over retryOn")


RetryPolicies = Annotated[
    Annotated[RetryPolicy, Tag(ONE_POLICY)] | Annotated[Rows[RetryPolicy], Tag(MANY_POLICIES)],
    Discriminator(_policy_form),
]
"""One policy, or several of which the first that matches the error applies."""


def as_policies(policy: RetryPolicy | tuple[RetryPolicy, ...] | None) -> tuple[RetryPolicy, ...]:
    """The policies of a ``retryPolicy`` in whichever form it was written; empty for none."""
    if policy is None:
        return ()
    return policy if isinstance(policy, tuple) else (policy,)


class Transition(Node):
    """One entry of ``next``: the first whose condition holds is taken (rule T3)."""

    next_step_id: Target
    condition: Condition | None = None


class ErrorCondition(Node):
    """Routes the errors it matches; both fields present means both must match (rule F4)."""

    error_type: str | None = Field(None, min_length=1)
    error_code: str | None = Field(None, min_length=1)
    next_step_id: Target


class ErrorHandler(Node):
    """Routes of particular errors, in order."""

    conditions: Rows[ErrorCondition] = ()


class OnFailure(Node):
    """What happens when a step has failed for good (rule F4)."""

    action: Literal["continue", "stop", "retry"] = "stop"
    next_step_id: Target | None = None
    error_handler: ErrorHandler | None = None

    @property
    def conditions(self) -> tuple[ErrorCondition, ...]:
        """The conditions of the error handler, if there is one."""
        return self.error_handler.conditions if self.error_handler is not None else ()


class WorkflowOnFailure(OnFailure):
    """What happens when no step handled a failure (rule F7)."""

    compensate: bool = Field(False, description="Undo completed steps by their compensation, newest first")


class Compensation(Node):
    """The task that undoes a step (rule F7)."""

    task_id: str
    input: Transform | None = None


class Step(Node):
    """One step: a task, what follows it, and what happens when it fails."""

    step_id: Identifier
    task_id: str = Field(min_length=1)
    name: str | None = Field(None, max_length=MAX_NAME_LENGTH)
    description: str | None = None
    next: Rows[Transition] | None = Field(None, description="Absent: the following step; []: the path ends")
    parallel_branches: Rows[Branch] | None = None
    fail_fast: bool = Field(False, description="Stop the running siblings of a branch that failed")
    for_each: ForEach | None = None
    retry_policy: RetryPolicies | None = None
    timeout: DurationText | None = None
    on_failure: OnFailure | None = None
    input: Transform | None = Field(None, description="What the task receives; default: the working document")
    output: Transform | None = Field(None, description="What is kept of the task's result")
    assign: dict[str, Transform] = Field(default_factory=dict, description="Variables to set")
    arguments: dict[str, Any] | None = Field(
        None, description="Literals, or {type, expression} at any depth; they override the task's arguments"
    )
    compensation: Compensation | None = None

    @property
    def retry_policies(self) -> tuple[RetryPolicy, ...]:
        """The retry policies in order; empty when the step has none."""
        return as_policies(self.retry_policy)


class Branch(Node):
    """A step list that runs beside its siblings (rules P1 to P3)."""

    branch_id: Identifier
    steps: Rows[Step] = ()


class ForEach(Node):
    """A step list that runs once for every item (rule P4)."""

    items: Transform = Field(description="Must give an array")
    as_: str = Field("item", alias="as", description="Name of the item in the expressions of the steps")
    max_concurrency: Count = 16
    tolerated_failures: CountOrZero = 0
    steps: Rows[Step]


class Trigger(Node):
    """Events that start this workflow (rules E1 and E3)."""

    event_pattern: str = Field(description="CloudEvent type; `*` is one segment, `**` any number of them")
    description: str | None = None
    transform: Transform | None = Field(None, description="From the event's data to the workflow's input")


class UiItem(Node):
    """One labelled value of a card or an alert (rule U1)."""

    label: str
    value: Any = Field(description="A literal, or {type, expression}")
    format: UiFormat = "text"


class UiColumn(Node):
    """One column of a table; its expression also sees `row` and `rowIndex` (rule U1)."""

    label: str
    value: ArgumentTransform
    format: UiFormat = "text"


class UiContext(Node):
    """What a component draws; keys that are not named here are handed to it as they are (rule U1)."""

    model_config = ConfigDict(extra="allow")

    title: str | None = None
    description: str | None = Field(None, description="Markdown")
    layout: str | None = Field(None, description="timeline, card, alert, table, form or graph")
    tone: Literal["info", "success", "warning", "error"] | None = Field(None, description="Of an alert")
    items: Rows[UiItem] = Field((), description="Of a card or an alert")
    rows: ArgumentTransform | None = Field(None, description="Of a table; must give an array")
    columns: Rows[UiColumn] = Field((), description="Of a table; absent: the keys of its rows")
    step_id: str | None = Field(None, description="Of a form: the step whose question it asks; absent: every one")


class UiComponent(Node):
    """A piece of the instance page, shown while its condition holds (rule U1)."""

    component_id: str = Field(min_length=1)
    condition: Condition | None = None
    priority: float = 0
    context: UiContext = Field(default_factory=UiContext)


class ExecutionLog(Node):
    """What the execution log keeps, and for how long (rules L1 to L4)."""

    level: Literal["debug", "info", "error"] = "info"
    retention: DurationText | None = None
    metadata: Rows[str] = Field((), description="Names looked up in conf, event and input, kept with every row")
    redact: Rows[str] = Field((), description="Paths whose values are masked, such as users[*].pin or tokens.*")


class WorkflowSettings(Node):
    """Bounds of one instance, and how its steps run."""

    execution: Execution | None = Field(
        None,
        description="One Airflow task per step, or all steps in one task; default: [workflows] default_execution",
    )

    timeout: DurationText | None = None
    max_iterations: Count = Field(1000, description="Visits of one step before a loop counts as runaway")


class WorkflowDefinition(Node):
    """A whole workflow document."""

    schema_: str | None = Field(None, alias="$schema", exclude=True, description="For editors; ignored")
    workflow_id: str = Field(json_schema_extra={"pattern": WORKFLOW_ID_PATTERN})
    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    description: str = ""
    version: str = Field(max_length=MAX_VERSION_LENGTH, description="Semantic version 2.0.0")
    input_schema: dict[str, Any] = Field(default_factory=dict, description="JSON Schema draft 2020-12")
    triggers: Rows[Trigger] = ()
    steps: Rows[Step] = Field(json_schema_extra={"minItems": 1})
    ui_components: Rows[UiComponent] = ()
    execution_log: ExecutionLog | None = None
    settings: WorkflowSettings = Field(default_factory=WorkflowSettings)
    on_failure: WorkflowOnFailure | None = None
    output: Transform | None = Field(None, description="The instance's result; default: the last step's output")
