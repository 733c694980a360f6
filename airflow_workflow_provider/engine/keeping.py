"""The state as it is stored: without what is not there, and checked when it is read again.

What the engine holds as null in the record of a step, or at the top of the document, is left out of what is stored, so
that the stored document fits ``schema/state.schema.json`` at every moment. Documents with the nulls in them, as
earlier versions stored them, are read alike.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.model.diagnostics import pointer_of

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.state import Json

_TOP: Final = ("event", "output", "error", "failure")
_RECORD: Final = ("output", "error", "completedAt")
_STRICT: Final = ConfigDict(strict=True)


class StateUnreadable(Conflict):
    """What is stored of an instance was changed by hand into something that means nothing."""

    default_code = "stored-state-unreadable"


def to_stored(state: Json) -> Json:
    """Return a state as it is stored; the given one stays as it is."""
    kept = {key: value for key, value in state.items() if value is not None or key not in _TOP}
    kept["steps"] = _without_nulls(kept["steps"])
    kept["scopes"] = {
        key: {**control, "steps": _without_nulls(control["steps"])} if "steps" in control else control
        for key, control in kept["scopes"].items()
    }
    return kept


def _without_nulls(records: Json) -> Json:
    return {
        step: {key: value for key, value in record.items() if value is not None} for step, record in records.items()
    }


def from_stored(document: Any, what: str) -> Json:
    """Return a state as the engine works with it; the given document becomes it.

    :param what: how messages call the instance
    :raises StateUnreadable: it is no state; with the first place at which it is not
    """
    try:
        _STATE.validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise unreadable(what, pointer_of(first["loc"]), str(first["msg"])) from None
    state: Json = document
    for scope, control in state["scopes"].items():
        if control["parent"] is not None and control["parent"] not in state["scopes"]:
            raise unreadable(what, pointer_of(["scopes", scope, "parent"]), "there is no such scope")
    for key in _TOP:
        state.setdefault(key, None)
    for records in (state["steps"], *(control.get("steps", {}) for control in state["scopes"].values())):
        for record in records.values():
            for key in (*_RECORD, "next", "region"):
                record.setdefault(key, None)
    return state


def unreadable(what: str, pointer: str, reason: str) -> StateUnreadable:
    """Return the error that something stored of an instance means nothing.

    :param pointer: the place in what is stored
    """
    message = f"What is stored of {what} cannot be read: {pointer or '/'}: {reason[:1].lower()}{reason[1:]}"
    way_out = "restore the row from a backup; what happened until then is in the execution log"
    return StateUnreadable(message, pointer=pointer, suggestion=way_out)


def _time(text: str) -> str:
    found: datetime = moment(text)
    if found.tzinfo is None:
        msg = "the time has no offset"
        raise ValueError(msg)
    return text


_Time = Annotated[str, AfterValidator(_time)]
_Object = dict[str, Any]


class _Instance(TypedDict):
    id: str
    workflowId: str
    version: str
    startedAt: _Time
    correlationId: NotRequired[str | None]
    deadline: NotRequired[_Time | None]
    startedBy: NotRequired[_Object | None]
    changedBy: NotRequired[list[_Object]]
    secrets: NotRequired[list[list[str]]]
    depth: NotRequired[int]


class _Record(TypedDict):
    status: Literal["running", "waiting", "completed", "failed", "skipped"]
    output: NotRequired[_Object | None]
    error: NotRequired[_Object | None]
    startedAt: NotRequired[_Time | None]
    completedAt: NotRequired[_Time | None]
    visit: NotRequired[int]
    attempt: NotRequired[int]
    next: NotRequired[str | None]


class _Current(TypedDict):
    stepId: str
    visit: int
    kind: str
    phase: str
    attempt: int
    sequence: int
    runner: str | None
    generation: int
    startedAt: _Time | None
    deadline: _Time | None
    retryAt: _Time | None
    counts: list[int]
    region: _Object | None
    question: NotRequired[str | None]


class _Control(TypedDict):
    parent: str | None
    names: _Object
    status: str
    current: _Current | None
    last: str | None
    error: _Object | None
    counts: dict[str, int]
    visits: dict[str, int]
    output: _Object | None
    failure: _Object | None
    steps: NotRequired[dict[str, _Record]]
    variables: NotRequired[_Object]
    data: NotRequired[_Object]


class _State(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]

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


_STATE: Final = TypeAdapter(_State)
