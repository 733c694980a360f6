"""The responses for the pages of instances: everything that a page needs, and nothing that it may not show."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from airflow_workflow_provider.api.models import ApiModel, InstanceBase
from airflow_workflow_provider.engine.operating import Operation

Layout = Literal["timeline", "card", "alert", "table", "form", "graph"]
StepStatus = Literal["pending", "running", "waiting", "retrying", "completed", "failed", "skipped"]


class Progress(ApiModel):
    """The progress of an instance."""

    completed: int = Field(description="Completed steps")
    total: int = Field(description="Completed steps and the maximum that may still follow")
    percent: int = Field(description="The share, rounded down; 100 only for a completed instance")
    current_step: str | None = None


class ComponentItem(ApiModel):
    """One labelled value of a component."""

    label: str
    value: Any = None
    format: str = "text"


class ComponentColumn(ApiModel):
    """The head of a table's column."""

    label: str
    format: str = "text"


class ComponentTable(ApiModel):
    """The rows of a table."""

    columns: list[ComponentColumn]
    rows: list[list[Any]]
    total: int = Field(description="All rows, including those that are not sent")


class Component(ApiModel):
    """A component of the page, with its values."""

    component_id: str
    layout: Layout
    title: str | None = None
    description: str | None = Field(None, description="Markdown")
    tone: Literal["info", "success", "warning", "error"] | None = None
    items: list[ComponentItem]
    table: ComponentTable | None = None
    step_id: str | None = Field(None, description="Of a form: the step whose question it asks")
    options: dict[str, Any] = Field(description="Other keys of its `context`")
    module: str | None = Field(None, description="Address of the JavaScript module that draws it")


class ComponentNotice(ApiModel):
    """An error of a component; only for users with permission to edit the definition."""

    component_id: str
    pointer: str = Field(description="JSON pointer into the definition")
    message: str


class ShortError(ApiModel):
    """A failure in short."""

    type: str | None = None
    code: str | None = None
    message: str | None = None


class ItemCounts(ApiModel):
    """The outcomes of the visits of a step inside a `forEach`."""

    running: int
    completed: int
    failed: int


class StepState(ApiModel):
    """A step that was activated."""

    step_id: str
    status: StepStatus
    visits: int
    attempts: int = Field(description="Of all visits")
    started_at: datetime | None = Field(None, description="Of the latest visit")
    completed_at: datetime | None = None
    attempt: int | None = Field(None, description="Number of the latest attempt of a live visit, from 1")
    max_attempts: int | None = Field(
        None, description="How many attempts its only retry policy allows; null for a step with none or several"
    )
    retry_at: datetime | None = Field(None, description="When the next attempt begins")
    deadline_at: datetime | None = Field(None, description="When the attempt times out")
    next: str | None = Field(None, description="The decision: a stepId, `end`, `fail`, or `fail.on_failure`")
    way: str | None = Field(None, description="The `id` of the graph's edge that it took")
    error: ShortError | None = None
    items: ItemCounts | None = None


class TakenEdge(ApiModel):
    """How often the path took one edge."""

    way: str | None = Field(None, description="The `id` of the graph's edge; null where no handler took a failure")
    source: str = Field(description="A stepId, or `fail.on_failure`")
    target: str = Field(description="A stepId, `end`, `fail`, `fail.on_failure`, or `<stepId>.compensation`")
    count: int


class TimelineSpan(ApiModel):
    """One attempt of a step."""

    step_id: str
    kind: Literal["step", "compensation"]
    scope: str = Field(description="The branch or item it ran in; empty at top level")
    visit: int
    attempt: int
    status: StepStatus
    started_at: datetime
    ended_at: datetime | None = None
    waiting_since: datetime | None = Field(None, description="Start of its wait, without a worker")
    next: str | None = None
    way: str | None = Field(None, description="The `id` of the graph's edge that it took")
    error: ShortError | None = None


class Timeline(ApiModel):
    """The attempts of an instance as spans of time."""

    spans: list[TimelineSpan]
    complete: bool = Field(description="False if the log lacks some attempts")


class ViewRights(ApiModel):
    """The caller's permissions."""

    edit: bool = Field(description="Edit the definition")
    operate: bool = Field(description="Operate its instances")
    start: bool = Field(description="Start instances")
    read_log: bool = Field(description="Read their execution log")
    publish_events: bool = Field(description="Publish events")


class InstanceView(InstanceBase):
    """Everything that the page of an instance shows of it."""

    workflow_name: str
    started_by: str | None = Field(None, description="Name of the user who started it; null if nobody did")
    due_at: datetime | None = Field(None, description="Its deadline (`settings.deadline`), from its start")
    overdue: bool = Field(
        False, description="It has not ended, and it was reported that it missed its deadline or takes too long"
    )
    error: dict[str, Any] | None = None
    progress: Progress
    components: list[Component]
    notices: list[ComponentNotice]
    steps: list[StepState]
    path: list[TakenEdge]
    timeline: Timeline
    operations: list[Operation] = Field(description="What the caller may do with it now")
    rights: ViewRights


class GraphNode(ApiModel):
    """A node of a definition's graph."""

    id: str
    kind: Literal["start", "end", "fail", "step", "parallel", "forEach", "join", "onFailure", "compensation"]
    name: str
    step_id: str | None = None
    task_id: str | None = None
    airflow_task_id: str | None = Field(None, description="The DAG's task in which it runs")
    group: str | None = None
    description: str | None = None
    loop: bool = Field(False, description="Part of a cycle")
    asks_people: bool = Field(False, description="A step whose task asks people and waits for their answer")


class GraphGroup(ApiModel):
    """A branch, or the steps that run for every item."""

    id: str
    kind: Literal["branch", "items"]
    name: str
    step_id: str
    parent: str | None = None


class GraphEdge(ApiModel):
    """A way from a node to another."""

    id: str = Field(description="Such as `approve/next/1`; unique in the definition. The path of an instance names it")
    source: str
    target: str
    kind: Literal["next", "error", "compensation", "fork"]
    label: str = Field("", description="The condition, or which errors")
    default: bool = Field(False, description="Taken where no condition holds")
    back: bool = Field(False, description="Goes back in a loop")
    step_id: str | None = Field(None, description="The step whose decision takes it")
    decision: str | None = Field(None, description="That decision, as `next` of the step has it")


class DefinitionGraph(ApiModel):
    """A definition as nodes and edges."""

    workflow_id: str
    version: str
    revision: int
    nodes: list[GraphNode]
    groups: list[GraphGroup]
    edges: list[GraphEdge]


class Evaluated(ApiModel):
    """A condition that was evaluated, logged at level `debug`."""

    condition: str
    result: bool | None = None
    target: str | None = None
    way: str | None = Field(None, description="The `id` of the graph's edge")
    operands: dict[str, Any]
    at: datetime


class AttemptDetail(ApiModel):
    """One attempt of a visit."""

    attempt: int
    status: StepStatus
    started_at: datetime
    ended_at: datetime | None = None
    waiting_since: datetime | None = None
    arguments: dict[str, Any] | None = Field(None, description="Logged at level `debug`")
    error: dict[str, Any] | None = None


class VisitDetail(ApiModel):
    """One visit of a step."""

    scope: str
    visit: int
    kind: Literal["step", "compensation"]
    input: Any = None
    output: Any = None
    next: str | None = None
    way: str | None = Field(None, description="The `id` of the graph's edge that it took")
    decisions: list[Evaluated]
    attempts: list[AttemptDetail]


class StepAction(ApiModel):
    """Something that a person did to a step."""

    at: datetime
    event: str
    actor: dict[str, Any]
    message: str | None = None
    data: dict[str, Any] | None = None


class StepDetail(ApiModel):
    """A step of an instance; secrets are masked."""

    instance_id: str
    step_id: str
    name: str
    description: str | None = None
    task_id: str
    dag_id: str
    run_id: str
    airflow_task_id: str
    state: dict[str, Any] | None = Field(None, description="Its record in the state; null where it did not run")
    visits: list[VisitDetail] = Field(description="Newest first")
    actions: list[StepAction]
    complete: bool = Field(description="False where the log was cut, or may not be read")
    output_schema: dict[str, Any] | None = Field(None, description="The `outputSchema` of its task, if it has one")
    output_transform: str | None = Field(None, description="The expression of the step's `output`, if it has one")
