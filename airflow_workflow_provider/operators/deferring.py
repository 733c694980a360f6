"""What a deferred operator waits for, as JSON, so that the wait can be taken up again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from airflow.sdk.exceptions import TaskDeferred

from airflow_workflow_provider.airflow_internals.serde import deserialize, serialize
from airflow_workflow_provider.engine.failure import moment, timestamp
from airflow_workflow_provider.operators.sealing import Seal

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json

FAIL_METHOD: Final = "__fail__"
"""The method by which Airflow reports that a trigger has failed or timed out."""

SEALED: Final = "sealed"
"""Key under which a note keeps encrypted arguments, as JSON text."""

TRIGGER_TIMEOUT: Final = "Trigger timeout"
"""Airflow's message for a trigger that has timed out."""


def note_of(deferral: TaskDeferred) -> Json:
    """Return what a deferred operator waits for; arguments are encrypted, since Airflow does that with a trigger's too.

    ``deadline`` in it is the end of the time that the operator itself has set, or null.
    """
    path, kwargs = deferral.trigger.serialize()
    deadline = None
    if deferral.timeout is not None:
        deadline = timestamp(datetime.now(UTC) + as_delta(deferral.timeout))
    return {
        "trigger": {"path": path, "kwargs": _sealed(kwargs)},
        "method": deferral.method_name,
        "kwargs": _sealed(deferral.kwargs or {}),
        "deadline": deadline,
    }


def deferral_of(note: Json) -> TaskDeferred:
    """Return the same wait once more, for what is left of its time."""
    left = None if note["deadline"] is None else max(moment(note["deadline"]) - datetime.now(UTC), timedelta())
    return TaskDeferred(trigger=trigger_of(note), method_name=note["method"], kwargs=kwargs_of(note), timeout=left)


def trigger_of(note: Json) -> Any:
    """Return the trigger of a wait."""
    module, _, name = str(note["trigger"]["path"]).rpartition(".")
    return getattr(import_module(module), name)(**_read(note["trigger"]["kwargs"]))


def kwargs_of(note: Json) -> dict[str, Any]:
    """Return what the operator's method is called with beside the event."""
    return _read(note["kwargs"])


def as_delta(value: timedelta | float) -> timedelta:
    """Return an operator's time limit, which may be a number of seconds, as a length of time."""
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


def _sealed(kwargs: dict[str, Any]) -> Json:
    text = json.dumps(serialize(kwargs))
    return {SEALED: Seal.configured().close(text.encode()).decode()}


def _read(value: Json) -> dict[str, Any]:
    """Return arguments; notes of an earlier release hold them as they are."""
    if SEALED in value:
        value = json.loads(Seal.configured().open(str(value[SEALED]).encode()))
    return cast("dict[str, Any]", deserialize(value))
