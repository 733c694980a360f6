"""What the fields of documents are made of: the base of their objects, counts, durations, and transforms.

Here stands what several kinds of objects use; :mod:`airflow_workflow_provider.model.definition` has the objects.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag
from pydantic.alias_generators import to_camel

MAX_COUNT: Final = 1_000_000
"""No counter of the format (attempts, visits, items at a time) is larger than this."""

LITERAL: Final = "(value)"
COMPUTED: Final = "(expression)"

T = TypeVar("T")


def _whole(value: object) -> object:
    """JSON does not distinguish 3 from 3.0; a JSON Schema validator takes both for an integer, and so do we."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _setting_form(value: object) -> str:
    return COMPUTED if isinstance(value, (dict, BaseModel)) else LITERAL


Rows = Annotated[tuple[T, ...], Strict(False)]
"""A JSON array, kept as a tuple."""

Count = Annotated[int, Field(ge=1, le=MAX_COUNT), BeforeValidator(_whole)]
CountOrZero = Annotated[int, Field(ge=0, le=MAX_COUNT), BeforeValidator(_whole)]
Percentage = Annotated[float, Field(ge=0, le=100)]
OnTimeout = Literal["fail", "alert"]
"""What happens when a timeout passes: what it bounds fails, or continues and is reported once (rule F3)."""
DurationText = Annotated[str, Field(json_schema_extra={"format": "duration"})]


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
        # Documents come from outside: shorten any part of one before it becomes part of a message.
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


Setting = Annotated[
    Annotated[T, Tag(LITERAL)] | Annotated[Transform, Tag(COMPUTED)],
    Discriminator(_setting_form),
]
"""A setting that is written, or computed from the bindings when its step begins (rules F3, P4)."""

CountSetting = Setting[Count]
CountOrZeroSetting = Setting[CountOrZero]
PercentageSetting = Setting[Percentage]
DurationSetting = Setting[DurationText]

TaskName = Annotated[str, Field(min_length=1)]


class TaskChoice(Node):
    """The tasks of which a step runs the one that is selected when an attempt begins (rule K5)."""

    one_of: Rows[TaskName] = Field(min_length=1, description="The tasks that can be selected")
    select: Transform = Field(description="Must give one of them")


TaskId = Annotated[
    Annotated[TaskName, Tag(LITERAL)] | Annotated[TaskChoice, Tag(COMPUTED)],
    Discriminator(_setting_form),
]
"""The task of a step, or those of which one is selected when an attempt begins."""
