"""The state of an instance: one JSON document, and a view of each step list that runs in it.

The document is what ``workflow_instances.state`` holds. Its public part is ``input``, ``event``, ``variables``,
``data``, ``steps`` and ``activeSteps``; the rest is the machine's own book-keeping:

``scopes``
    one entry a running step list: ``""`` for the top level, ``par/b1`` for a branch, ``each[3]`` for an item. Exactly
    one activation can be live in a step list (rule T5), so an entry holds at most one, its ``current``.
``completed``
    the visits whose own task was done and that have a compensation, in order of completion (rule F7)
``failure``
    the failure that the workflow's ``onFailure`` was given, once it was
``suspension``
    who suspended the instance, when and why, while it is suspended by somebody (rule I3)
``held``
    the tasks that wait for the end of the suspension
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.failure import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

ROOT: Final = ""
FORMAT: Final = 1
MAX_CORRELATION_ID: Final = 255
"""Characters of a correlation id."""

Json = dict[str, Any]

_INDEX = re.compile(r"\[(\d+)\]")
_ANY_INDEX = re.compile(r"\[\d+\]")


def new_state(instance: Json, input_data: Json, event: Json | None, now: datetime) -> Json:
    """Return the state of an instance before its first step.

    :param instance: ``id``, ``workflowId``, ``version``, ``correlationId``
    :param input_data: the instance's input, defaults applied
    :param event: the CloudEvent that started it, or None
    :param now: when it started
    """
    return {
        "format": FORMAT,
        "instance": {**instance, "startedAt": timestamp(now)},
        "status": "running",
        "input": input_data,
        "event": event,
        "variables": {},
        "data": dict(input_data),
        "steps": {},
        "activeSteps": [],
        "output": None,
        "error": None,
        "scopes": {},
        "completed": [],
        "failure": None,
        "sequence": 0,
    }


def new_scope(parent: str | None, names: Json | None = None) -> Json:
    """Return the book-keeping of a step list that starts to run.

    :param parent: key of the list whose step started it; None for the top level
    :param names: values of the forEach names that it introduces (rule P4)
    """
    return {
        "parent": parent,
        "names": names or {},
        "status": "running",
        "current": None,
        "last": None,
        "error": None,
        "counts": {},
        "visits": {},
        "output": None,
        "failure": None,
    }


def list_path(key: str) -> str:
    """Return the path of the step list that a scope runs: item numbers taken out."""
    return _ANY_INDEX.sub("[]", key)


def item_indexes(key: str) -> list[int]:
    """Return the item numbers in a scope's key, outermost first."""
    return [int(index) for index in _INDEX.findall(key)]


def open_questions(state: Json) -> set[str]:
    """Return the ids of the questions to people that live attempts of an instance wait for."""
    if state.get("status") in ("completed", "failed"):
        return set()
    running = (control for control in state.get("scopes", {}).values() if control["status"] == "running")
    lives = (control["current"] for control in running if control["current"] is not None)
    return {current["question"] for current in lives if current.get("question") is not None}


class Scope:
    """A view of one running step list inside the state.

    :param state: the whole document
    :param key: the scope's key
    """

    def __init__(self, state: Json, key: str) -> None:
        self.state = state
        self.key = key
        self.control: Json = state["scopes"][key]
        # The top level's own values are the public part of the document; others keep only what they add to it.
        self.values: Json = state if key == ROOT else self.control

    @property
    def parent(self) -> Scope | None:
        """The scope whose step started this list; None for the top level."""
        key = self.control["parent"]
        return None if key is None else Scope(self.state, key)

    @property
    def current(self) -> Json | None:
        """The live activation, or None."""
        found: Json | None = self.control["current"]
        return found

    @property
    def is_running(self) -> bool:
        """Whether this list has not ended."""
        return bool(self.control["status"] == "running")

    def chain(self) -> Iterator[Scope]:
        """Yield this scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def _merged(self, key: str) -> Json:
        merged: Json = {}
        for scope in reversed(list(self.chain())):
            merged.update(scope.values[key])
            region = (scope.current or {}).get("region")
            if key == "data" and region is not None and scope.key != self.key:
                # Inside a region its own task's output counts already; a region that fails leaves none (rule X1).
                merged.update(region["own"])
        return merged

    @property
    def steps(self) -> Json:
        """The steps that expressions of this list see: those at the fork and its own (rule X1)."""
        return self._merged("steps")

    @property
    def variables(self) -> Json:
        """The variables as this list sees them."""
        return self._merged("variables")

    @property
    def data(self) -> Json:
        """The working document: input, outputs in completion order, variables on top (rule X1)."""
        return {**self._merged("data"), **self.variables}

    @property
    def names(self) -> Json:
        """Values of the forEach names in this list, inner ones winning."""
        names: Json = {}
        for scope in reversed(list(self.chain())):
            names.update(scope.control["names"])
        return names

    @property
    def error(self) -> Json | None:
        """The last handled failure of this list until its path ends; a branch starts with the outer one (rule X1)."""
        found: Json | None = self.control["error"]
        return found

    @property
    def numbering(self) -> Json:
        """The visit numbers that count here: those of the nearest item, else of the instance."""
        for scope in self.chain():
            if scope.key == ROOT or scope.control["names"]:
                return scope.control["visits"]  # type: ignore[no-any-return]
        msg = "a chain of scopes ends at the top level"
        raise AssertionError(msg)

    def record(self, step_id: str) -> Json:
        """Return the record of a step in this list, made when it is missing."""
        record: Json = self.values["steps"].setdefault(step_id, {})
        return record
