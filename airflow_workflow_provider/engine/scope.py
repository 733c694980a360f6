"""A view of one step list inside the state of an instance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.step_records import StepRecord

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.records import Activation, ListState
    from airflow_workflow_provider.engine.region_records import Region
    from airflow_workflow_provider.engine.state import State


class Scope:
    """A view of one step list: what it sees of the lists around it.

    :param state: the whole state
    :param key: the list's key
    """

    __slots__ = ("control", "key", "state")

    def __init__(self, state: State, key: str) -> None:
        self.state = state
        self.key = key
        self.control: ListState = state.lists[key]

    @property
    def values(self) -> State | ListState:
        """Where its own steps, variables and data are kept."""
        return self.state.values(self.key)

    @property
    def parent(self) -> Scope | None:
        """The list whose step started this one; None for the top level."""
        key = self.control.parent
        return None if key is None else Scope(self.state, key)

    @property
    def current(self) -> Activation | None:
        """The live activation, or None."""
        return self.control.current

    @property
    def activation(self) -> Activation:
        """The live activation.

        :raises AssertionError: nothing is live in the list
        """
        if self.control.current is None:
            message = f"nothing is live in step list {self.key!r}"
            raise AssertionError(message)
        return self.control.current

    @property
    def region(self) -> Region:
        """The branches or items of the live activation.

        :raises AssertionError: it has none
        """
        region = self.activation.region
        if region is None:
            message = f"no branches or items run in step list {self.key!r}"
            raise AssertionError(message)
        return region

    @property
    def is_running(self) -> bool:
        """Whether this list has not ended."""
        return self.control.is_running

    @property
    def prefix(self) -> str:
        """What the keys of lists inside this one begin with."""
        return f"{self.key}/" if self.key else ""

    @property
    def last_record(self) -> StepRecord | None:
        """The record of the step that ended last in this list, or None."""
        return self.values.steps.get(self.control.last) if self.control.last is not None else None

    @property
    def last_output(self) -> Json:
        """The output of the step that ended last, ``{}`` if there is none."""
        last = self.last_record
        return (last.output if last is not None else None) or {}

    def chain(self) -> Iterator[Scope]:
        """Yield this list and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def outermost_first(self) -> list[Scope]:
        """Return the lists around this one and itself, the top level first."""
        # Most lists are the top level, and expressions ask four times.
        if self.control.parent is None:
            return [self]
        return [*self.chain()][::-1]

    @property
    def public_steps(self) -> Json:
        """The steps that expressions of this list see: those at the fork and its own (rule X1)."""
        merged: Json = {}
        for scope in self.outermost_first():
            merged.update(scope.values.steps.public())
        return merged

    @property
    def variables(self) -> Json:
        """The variables as this list sees them."""
        merged: Json = {}
        for scope in self.outermost_first():
            merged.update(scope.values.variables)
        return merged

    @property
    def data(self) -> Json:
        """The working document: input, outputs in completion order, variables on top (rule X1)."""
        merged: Json = {}
        for scope in self.outermost_first():
            merged.update(scope.values.data)
            if scope.key != self.key and scope.current is not None and scope.current.region is not None:
                # Inside a region its own task's output counts already; a region that fails leaves none (rule X1).
                merged.update(scope.current.region.own)
        return {**merged, **self.variables}

    @property
    def names(self) -> Json:
        """Values of the forEach names in this list, inner ones winning."""
        names: Json = {}
        for scope in self.outermost_first():
            names.update(scope.control.names)
        return names

    @property
    def error(self) -> Json | None:
        """The last handled failure of this list until its path ends; a branch starts with the outer one (rule X1)."""
        return self.control.error

    @property
    def numbering(self) -> dict[str, int]:
        """The visit numbers that count here: those of the nearest item, else of the instance."""
        for scope in self.chain():
            if scope.key == ROOT or scope.control.names:
                return scope.control.visits
        message = "a chain of step lists ends at the top level"
        raise AssertionError(message)

    def record(self, step_id: str) -> StepRecord:
        """Return the record of a step in this list, made when it is missing."""
        steps = self.values.steps
        if step_id not in steps:
            steps[step_id] = StepRecord()
        return steps[step_id]
