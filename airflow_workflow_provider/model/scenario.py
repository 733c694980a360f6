"""The format of scenario files: tests of a definition, with mocked tasks, in virtual time."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from annotated_types import MinLen
from pydantic import AwareDatetime, Field, Strict, field_validator, model_validator

from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.fields import DurationText, Node, Rows, Transform

PATH_LINE: Final = re.compile(
    r"(?P<step>[A-Za-z0-9_-]+)(?:#(?P<visit>\d+)(?:\.(?P<attempt>\d+))?)?(?:\[(?P<item>[\d.]+)\])?(?::(?P<status>\w+))?"
)
"""One entry of an expected path: ``step``, ``step#visit`` or ``step#visit.attempt``, ``[item]``, ``:status``."""

RESULTS: Final = frozenset({"output", "kept", "error", "transform"})
"""The keys of which an outcome has exactly one."""


def _fixed_length(value: str | None) -> str | None:
    if value is not None:
        parse_duration(value)
    return value


class MockError(Node):
    """The failure that a mocked call ends with."""

    type: str | None = Field(None, min_length=1, description="TaskError if absent")
    code: str | None = None
    message: str = "mocked failure"
    details: dict[str, Any] = Field(default_factory=dict)


class MockOutcome(Node):
    """What one call of a mocked task gives: exactly one of ``output``, ``kept``, ``error`` and ``transform``."""

    output: Any = Field(None, description="The task's result")
    kept: dict[str, Any] | None = Field(None, description="What the step keeps: its `output` is not applied to it")
    error: MockError | None = None
    transform: Transform | None = Field(None, description="Computes the result from `input`")
    duration: DurationText | None = Field(None, description="How long the call takes in virtual time")

    _length = field_validator("duration")(_fixed_length)

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        given = sorted(self.model_fields_set & RESULTS)
        if len(given) != 1:
            msg = f"an outcome has exactly one of {sorted(RESULTS)}, not {given}"
            raise ValueError(msg)
        return self


class Arrival(Node):
    """An event that arrives while the instance runs."""

    after: DurationText = Field("PT0S", description="Virtual time from the start of the instance")
    event: dict[str, Any] = Field(description="A CloudEvent; specversion, id and source may be absent")
    ignored: bool = Field(False, description="No step receives it; otherwise one has to")

    _length = field_validator("after")(_fixed_length)


class GivenAnswer(Node):
    """What one person answers to a question."""

    after: DurationText = Field("PT0S", description="Virtual time from the question on")
    by: str = Field("somebody", min_length=1, description="Name of the person")
    decision: str
    form: dict[str, Any] | None = None
    comment: str | None = None

    _length = field_validator("after")(_fixed_length)


class Expected(Node):
    """What the instance has to lead to; what is absent is not compared."""

    status: Literal["completed", "failed"] | None = Field(
        None, description="Default: failed where `error` is given, else completed"
    )
    path: Rows[str] | None = Field(
        None, description="One entry an attempt: step, step#visit or step#visit.attempt, perhaps [item], then :status"
    )
    steps: dict[str, Literal["completed", "failed"] | None] = Field(
        default_factory=dict, description="Status of steps at the end; null for one that did not run"
    )
    output: Any = Field(None, description="The whole output")
    output_includes: dict[str, Any] | None = Field(None, description="A part of the output")
    error: dict[str, Any] | None = Field(None, description="A part of the error object, such as its type")
    data: dict[str, Any] | None = Field(None, description="A part of the working document at the end")
    variables: dict[str, Any] | None = Field(None, description="A part of the variables at the end")
    log: Rows[str] | None = Field(None, description="Events of the execution log, in order")
    elapsed: DurationText | None = Field(None, description="Virtual time from start to end")

    _length = field_validator("elapsed")(_fixed_length)

    @field_validator("path", "output_includes", "error", "data", "variables", "log")
    @classmethod
    def _something(cls, value: Any) -> Any:
        if value is None:
            msg = "null expects nothing; write what is expected, or leave the key out"
            raise ValueError(msg)
        return value

    @field_validator("path")
    @classmethod
    def _lines(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        wrong = next((line for line in value or () if PATH_LINE.fullmatch(line) is None), None)
        if wrong is not None:
            msg = f"{wrong[:60]!r} is no entry of a path; write step#visit.attempt[item]:status"
            raise ValueError(msg)
        return value


class Scenario(Node):
    """One test: how an instance starts, what its surroundings do, and what it has to lead to."""

    name: str = Field(min_length=1, max_length=200)
    description: str | None = None
    start: Annotated[AwareDatetime, Strict(False)] | None = Field(
        None, description="Virtual time at the start; default: 2026-01-01T00:00:00Z"
    )
    input: dict[str, Any] | None = Field(None, description="Default: what `event` gives, else {}")
    event: dict[str, Any] | None = Field(None, description="The CloudEvent that starts the instance, by its trigger")
    mocks: dict[str, Annotated[Rows[MockOutcome], MinLen(1)]] = Field(
        default_factory=dict, description="Outcomes by stepId or taskId, used in call order; the last one repeats"
    )
    events: Rows[Arrival] = Field((), description="Events for steps that wait")
    answers: dict[str, Annotated[Rows[GivenAnswer], MinLen(1)]] = Field(
        default_factory=dict, description="Answers by the stepId of the question, used in order"
    )
    expect: Expected

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        both = sorted(set(self.mocks) & set(self.answers))
        if self.input is not None and self.event is not None:
            msg = "a scenario has one of 'input' and 'event'"
            raise ValueError(msg)
        if both:
            msg = f"{both[0]!r} has both mocks and answers"
            raise ValueError(msg)
        return self


class ScenarioFile(Node):
    """The scenarios of one workflow."""

    schema_: str | None = Field(None, alias="$schema", exclude=True, description="For editors; ignored")
    workflow: str = Field(min_length=1, description="workflowId, or workflowId@version; without a version the newest")
    scenarios: Annotated[Rows[Scenario], MinLen(1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [each.name for each in self.scenarios]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            msg = f"two scenarios are named {twice!r}"
            raise ValueError(msg)
        return self
