"""The workflow document as immutable objects: every field of the format, and nothing else.

These classes say what a document may *contain*. What it may *mean* (references that exist, expressions that
compile, steps that can be reached) is the business of :mod:`airflow_workflow_provider.model.checks`; identifiers,
durations and expressions are therefore plain strings here.

JSON keys are camelCase, Python names snake_case; both are accepted on input.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from airflow_workflow_provider.model.fields import (
    COMPUTED,
    LITERAL,
    ArgumentTransform,
    Count,
    CountOrZeroSetting,
    CountSetting,
    DurationSetting,
    DurationText,
    Node,
    OnTimeout,
    PercentageSetting,
    Rows,
    TaskChoice,
    TaskId,
    Transform,
)

END: Final = "end"
"""Reserved target: ends the path (rule T4)."""

FAIL: Final = "fail"
"""Reserved target: fails the step list (rule T4)."""

RESERVED_TARGETS: Final = frozenset({END, FAIL})

WORKFLOW_ID_PATTERN: Final = "^[A-Za-z0-9_.-]{1,200}$"
STEP_ID_PATTERN: Final = "^[A-Za-z0-9_-]{1,100}$"
MAX_NAME_LENGTH: Final = 255
MAX_VERSION_LENGTH: Final = 50

ONE_POLICY: Final = "(one policy)"
MANY_POLICIES: Final = "(list of policies)"
OF_EVENTS: Final = "(event trigger)"
OF_TIMES: Final = "(schedule trigger)"
UNION_TAGS: Final = frozenset({ONE_POLICY, MANY_POLICIES, OF_EVENTS, OF_TIMES, LITERAL, COMPUTED})
"""Parts of a pydantic error location that are not part of the document."""


def _policy_form(value: object) -> str:
    return MANY_POLICIES if isinstance(value, (list, tuple)) else ONE_POLICY


def _trigger_form(value: object) -> str:
    scheduled = "schedule" in value if isinstance(value, dict) else isinstance(value, ScheduleTrigger)
    return OF_TIMES if scheduled else OF_EVENTS


Identifier = Annotated[str, Field(json_schema_extra={"pattern": STEP_ID_PATTERN})]
Target = Annotated[str, Field(description="stepId of the same step list, or `end`, or `fail`")]
ErrorType = Annotated[str, Field(min_length=1)]
Condition = Annotated[str, Field(description="CEL expression that yields true or false")]
Execution = Literal["tasks", "inline"]
"""One Airflow task per step, or all steps in one task (rule T8)."""
UiFormat = Literal["text", "number", "percent", "date", "datetime", "duration", "boolean", "json", "markdown", "link"]
"""How a value of a component is written."""


class RetryPolicy(Node):
    """When and how often a failed attempt is followed by another (rule F2)."""

    max_attempts: Count = Field(1, description="All attempts, the first included")
    delay: DurationText = "PT0S"
    strategy: Literal["fixed", "linear", "exponential"] = Field(
        "fixed", description="Every delay is the same, the n-th is n times as long, or each is multiplied"
    )
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


class AirflowTask(Node):
    """Where and when Airflow runs the task of a step (rule T9)."""

    pool: str | None = Field(None, min_length=1, max_length=MAX_NAME_LENGTH)
    pool_slots: Count | None = Field(None, description="Slots of the pool that the task takes")
    queue: str | None = Field(None, min_length=1, max_length=MAX_NAME_LENGTH)
    priority: int | None = Field(None, ge=-(2**31), le=2**31 - 1, description="Higher first")
    executor: str | None = Field(None, min_length=1, max_length=MAX_NAME_LENGTH, description="Name, alias or path")

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the operator that it stands for; what is absent is left out."""
        found = {
            "pool": self.pool,
            "pool_slots": self.pool_slots,
            "queue": self.queue,
            "priority_weight": self.priority,
            "executor": self.executor,
        }
        return {name: value for name, value in found.items() if value is not None}

    @staticmethod
    def key_of(argument: str) -> str:
        """The key of the document that stands for an argument of the operator."""
        return {"pool_slots": "poolSlots", "priority_weight": "priority"}.get(argument, argument)


class Join(Node):
    """How many branches a step with branches waits for (rule P1)."""

    at_least: Count = Field(description="Branches that have to complete; then the others are stopped")


class Step(Node):
    """One step: a task, what follows it, and what happens when it fails."""

    step_id: Identifier
    task_id: TaskId
    name: str | None = Field(None, max_length=MAX_NAME_LENGTH)
    description: str | None = None
    next: Rows[Transition] | None = Field(None, description="Absent: the following step; []: the path ends")
    parallel_branches: Rows[Branch] | None = None
    join: Join | None = Field(None, description="Which branches are waited for; default: all")
    fail_fast: bool = Field(False, description="Stop the running siblings of a branch that failed")
    for_each: ForEach | None = None
    retry_policy: RetryPolicies | None = None
    timeout: DurationSetting | None = Field(None, description="Of each attempt")
    on_timeout: OnTimeout = Field(
        "fail", description="`alert`: an attempt that takes longer continues, and is reported once"
    )
    on_failure: OnFailure | None = None
    input: Transform | None = Field(None, description="What the task receives; default: the working document")
    output: Transform | None = Field(None, description="What is kept of the task's result")
    assign: dict[str, Transform] = Field(default_factory=dict, description="Variables to set")
    arguments: dict[str, Any] | None = Field(
        None, description="Literals, or {type, expression} at any depth; they override the task's arguments"
    )
    compensation: Compensation | None = None
    airflow: AirflowTask | None = Field(None, description="Where and when Airflow runs the step's task")

    @property
    def retry_policies(self) -> tuple[RetryPolicy, ...]:
        """The retry policies in order; empty when the step has none."""
        return as_policies(self.retry_policy)

    @property
    def choice(self) -> TaskChoice | None:
        """The tasks of which one is chosen; None for a step that has one task."""
        return self.task_id if isinstance(self.task_id, TaskChoice) else None

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The tasks that it can run."""
        return self.task_id.one_of if isinstance(self.task_id, TaskChoice) else (self.task_id,)

    @property
    def task_name(self) -> str:
        """The tasks that it can run, as people read them."""
        return " | ".join(self.task_ids)


class Branch(Node):
    """A step list that runs beside its siblings (rules P1 to P3)."""

    branch_id: Identifier
    steps: Rows[Step] = ()


class ForEach(Node):
    """A step list that runs once for every item (rule P4)."""

    items: Transform = Field(description="Must give an array")
    as_: str = Field("item", alias="as", description="Name of the item in the expressions of the steps")
    max_concurrency: CountSetting = Field(16, description="Items that run at the same time")
    tolerated_failures: CountOrZeroSetting | None = Field(None, description="Items that may fail; default: none")
    tolerated_failure_percentage: PercentageSetting | None = Field(
        None, description="Share of the items that may fail; of both the smaller number applies"
    )
    steps: Rows[Step]


class EventTrigger(Node):
    """Events that start this workflow (rules E1 and E3)."""

    event_pattern: str = Field(description="CloudEvent type; `*` is one segment, `**` any number of them")
    description: str | None = None
    transform: Transform | None = Field(None, description="From the event's data to the workflow's input")


class Schedule(Node):
    """Times at which Airflow starts this workflow: exactly one of ``cron``, ``every`` and ``timetable`` (rule E6)."""

    cron: str | None = Field(None, description="Five fields, or @hourly, @daily, @weekly, @monthly or @yearly")
    every: DurationText | None = Field(None, description="A fixed distance, counted from `startDate`")
    timetable: str | None = Field(None, description="Import path of a timetable that a plugin registers with Airflow")
    arguments: dict[str, Any] | None = Field(None, description="What the timetable is deserialized from")
    timezone: str = Field("UTC", description="IANA name; the times of `cron` are local to it")
    start_date: str | None = Field(None, description="RFC 3339: no run before it; with `every`, where counting starts")
    end_date: str | None = Field(None, description="RFC 3339: no run after it")
    catchup: bool = Field(False, description="Make up for every missed time; default: for the latest one only")
    input: Transform | None = Field(None, description="The workflow's input, from {scheduledTime, localTime, timezone}")

    @property
    def when(self) -> str:
        """What it says of its times, in the author's words."""
        return self.cron or self.every or self.timetable or ""


class ScheduleTrigger(Node):
    """Times at which this workflow starts (rule E6)."""

    schedule: Schedule
    description: str | None = None


Trigger = Annotated[
    Annotated[EventTrigger, Tag(OF_EVENTS)] | Annotated[ScheduleTrigger, Tag(OF_TIMES)], Discriminator(_trigger_form)
]
"""What starts a workflow by itself: events, or a schedule."""


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


class Concurrency(Node):
    """How many instances of a workflow run at the same time (rule I7)."""

    limit: Count = Field(description="Instances with the same key that run at the same time")
    key: Transform | None = Field(None, description="What instances are counted by; default: all of the workflow")
    on_limit: Literal["queue", "skip", "replace", "fail"] = Field(
        "queue",
        description="What a start over the limit does: wait for its turn, be cancelled, take the place of an older "
        "instance, or fail",
    )


class WorkflowSettings(Node):
    """Bounds of one instance, how its steps run, and how many instances run at the same time."""

    execution: Execution | None = Field(
        None,
        description="One Airflow task per step, or all steps in one task; default: [workflows] default_execution",
    )
    timeout: DurationText | None = None
    on_timeout: OnTimeout = Field(
        "fail", description="`alert`: an instance that takes longer continues, and is reported once"
    )
    deadline: DurationText | None = Field(
        None, description="From the start; an instance that has not ended by then continues, and is reported once"
    )
    max_iterations: Count = Field(1000, description="Visits of one step before a loop counts as runaway")
    concurrency: Concurrency | None = None


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

    @property
    def event_triggers(self) -> tuple[EventTrigger, ...]:
        """The triggers that events act through, in order."""
        return tuple(each for each in self.triggers if isinstance(each, EventTrigger))

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The schedules of its triggers, in order."""
        return tuple(trigger.schedule for _, trigger in self.scheduled)

    @property
    def scheduled(self) -> tuple[tuple[int, ScheduleTrigger], ...]:
        """The triggers that have a schedule, with their positions among all."""
        return tuple((place, each) for place, each in enumerate(self.triggers) if isinstance(each, ScheduleTrigger))
