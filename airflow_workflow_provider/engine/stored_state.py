"""Reading a stored state: checked, place by place, since rows can be edited manually and releases differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from airflow_workflow_provider.engine.documents import Json, JsonValue
from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.state import FORMAT, State
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.vocabulary import ProblemCode

_STRICT: Final = ConfigDict(strict=True)


class StateUnreadable(Conflict):
    """The stored state of an instance cannot be read: it was edited into something that has no meaning."""

    default_code = ProblemCode.STORED_STATE_UNREADABLE


class StateTooNew(StateUnreadable):
    """A newer release has stored the instance; this one leaves it alone."""

    default_code = ProblemCode.STORED_STATE_TOO_NEW


def read_state(document: Any, what: str) -> State:
    """Return the state that is stored of an instance.

    :param what: how messages call the instance
    :raises StateUnreadable: it is no state; with the first place at which it is not
    :raises StateTooNew: this release does not know its format
    """
    version = document.get("format") if isinstance(document, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version > FORMAT:
        message = f"What is stored of {what} has format {version}; this release reads formats up to {FORMAT}"
        way_out = "let the release that wrote it, or a newer one, run this instance"
        raise StateTooNew(message, pointer="/format", suggestion=way_out)
    try:
        _STATE.validate_python(document)
        state = State.from_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise unreadable(what, pointer_of(first["loc"]), str(first["msg"])) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unreadable(what, "", f"{type(error).__name__}: {error}") from None
    for key, found in state.lists.items():
        if found.parent is not None and found.parent not in state.lists:
            raise unreadable(what, pointer_of(["scopes", key, "parent"]), "there is no such scope")
    if ROOT not in state.lists:
        raise unreadable(what, "/scopes", "the top-level step list is missing")
    return state


def unreadable(what: str, pointer: str, reason: str) -> StateUnreadable:
    """Return the error that something stored of an instance means nothing.

    :param pointer: the place in what is stored
    """
    message = f"What is stored of {what} cannot be read: {pointer or '/'}: {reason[:1].lower()}{reason[1:]}"
    way_out = "restore the row from a backup; what happened until then is in the execution log"
    return StateUnreadable(message, pointer=pointer, suggestion=way_out)


@lru_cache(maxsize=4096)
def _time(text: str) -> str:
    found: datetime = moment(text)
    if found.tzinfo is None:
        msg = "the time has no offset"
        raise ValueError(msg)
    return text


_Time = Annotated[str, AfterValidator(_time)]


@dataclass(frozen=True)
class _Whole:
    """A JSON value of users: its content is theirs, and its keys are texts, since it was read from JSON.

    :param kind: its type
    :param name: how JSON calls that
    """

    kind: type
    name: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept a value without a look into it: it may be large."""
        known = core_schema.is_instance_schema(self.kind)
        message = f"Input should be a JSON {self.name}"
        return core_schema.custom_error_schema(known, self.name, custom_error_message=message)


_Object = Annotated[Json, _Whole(dict, "object")]
_Array = Annotated[list[JsonValue], _Whole(list, "array")]


class _Instance(TypedDict):
    id: str
    workflowId: str
    version: str
    startedAt: _Time
    correlationId: NotRequired[str | None]
    deadline: NotRequired[_Time | None]
    alertAt: NotRequired[_Time]
    overdueSince: NotRequired[_Time]
    dueAt: NotRequired[_Time]
    missed: NotRequired[Literal[True]]
    startedBy: NotRequired[_Object | None]
    changedBy: NotRequired[list[_Object]]
    secrets: NotRequired[_Array]
    concurrencyKey: NotRequired[str]
    depth: NotRequired[int]
    parent: NotRequired[_Object | None]


class _Branches(TypedDict):
    own: _Object
    children: list[str]
    items: NotRequired[None]


class _Region(TypedDict):
    own: _Object
    children: list[str]
    items: NotRequired[_Array | None]
    atOnce: NotRequired[int]
    tolerated: NotRequired[int]
    results: NotRequired[dict[str, _Object]]


class _Record(TypedDict):
    status: Literal["running", "waiting", "completed", "failed", "skipped"]
    output: NotRequired[_Object | None]
    error: NotRequired[_Object | None]
    startedAt: NotRequired[_Time | None]
    completedAt: NotRequired[_Time | None]
    visit: int
    attempt: int
    generation: int
    region: NotRequired[_Branches | None]
    handling: NotRequired[bool]
    next: NotRequired[str | None]
    way: NotRequired[str | None]
    task: NotRequired[str]


class _Current(TypedDict):
    stepId: str
    visit: int
    kind: Literal["step", "compensation"]
    phase: Literal["pending", "running", "waiting", "retrying", "region"]
    attempt: int
    sequence: int
    generation: int
    counts: list[int]
    runner: NotRequired[str | None]
    startedAt: NotRequired[_Time | None]
    deadline: NotRequired[_Time | None]
    alertAt: NotRequired[_Time]
    overdueSince: NotRequired[_Time]
    retryAt: NotRequired[_Time | None]
    region: NotRequired[_Region | None]
    question: NotRequired[str | None]
    parked: NotRequired[_Object | None]
    entry: NotRequired[_Object | None]


class _Control(TypedDict):
    status: Literal["running", "completed", "failed", "cancelled"]
    counts: dict[str, int]
    visits: dict[str, int]
    parent: NotRequired[str | None]
    names: NotRequired[_Object]
    current: NotRequired[_Current | None]
    last: NotRequired[str | None]
    error: NotRequired[_Object | None]
    output: NotRequired[_Object | None]
    failure: NotRequired[_Object | None]
    stopped: NotRequired[_Object | None]
    steps: NotRequired[dict[str, _Record]]
    variables: NotRequired[_Object]
    data: NotRequired[_Object]


class _State(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]

    format: int
    instance: _Instance
    status: Literal["running", "completed", "failed", "suspended"]
    input: _Object
    event: NotRequired[_Object | None]
    variables: _Object
    data: _Object
    steps: dict[str, _Record]
    activeSteps: list[str]
    output: NotRequired[_Object | None]
    error: NotRequired[_Object | None]
    scopes: dict[str, _Control]
    completed: list[_Object]
    failure: NotRequired[_Object | None]
    sequence: int
    suspension: NotRequired[_Object | None]
    queuedAt: NotRequired[_Time]
    held: NotRequired[list[str]]
    shown: NotRequired[dict[str, str]]


_STATE: Final = TypeAdapter(_State)
