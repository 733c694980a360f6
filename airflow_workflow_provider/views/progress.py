"""The progress of an instance, for conditions and the instance page (rule U1).

A step counts once, however often a loop visits it, and has been done when its latest visit ended well or its failure
was handled. What is still to come is the longest way from the live steps to the end by normal transitions: of a choice
the longer side, of branches all, of a loop each step once. So the total shrinks when a shorter way is taken, and the
share falls back only when a loop goes back. A ``forEach`` is one step, however many items there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.graph import child_path, strongly_connected
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import InstanceStatus, StepStatus
from airflow_workflow_provider.model.definition import FAIL
from airflow_workflow_provider.model.ways import ON_FAILURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.graph import Graph, StepList
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.step_records import StepRecord
    from airflow_workflow_provider.model.definition import Step

MOST_UNFINISHED = 99
"""Percent that an instance shows which has not completed, at most."""


@dataclass(frozen=True)
class Progress:
    """How far an instance has come.

    :param completed: steps that were done
    :param total: those, and the most that may still come
    :param percent: the share, rounded down; 100 only for a completed instance
    :param current_step: the step most recently activated at top level (rule I4)
    """

    completed: int
    total: int
    percent: int
    current_step: str | None

    def to_json(self) -> Json:
        """Return it as conditions see it."""
        return {
            "completed": self.completed,
            "total": self.total,
            "percent": self.percent,
            "currentStep": self.current_step,
        }


def progress_of(graph: Graph, state: State, current_step: str | None) -> Progress:
    """Return how far an instance has come.

    :param current_step: the step most recently activated at top level
    """
    found = _List(graph, state, graph.root, ROOT)
    done = found.done()
    if state.status is InstanceStatus.COMPLETED:
        return Progress(done, done, 100, current_step)
    total = done + found.left(current_step if state.status is InstanceStatus.FAILED else None)
    percent = min(100 * done // total, MOST_UNFINISHED) if total else 0
    return Progress(done, total, percent, current_step)


def was_done(record: StepRecord | None) -> bool:
    """Return from a step's record whether its latest visit succeeded, or its failure was handled."""
    if record is None:
        return False
    if record.status is StepStatus.FAILED:
        return record.next not in (None, FAIL, ON_FAILURE)
    return record.status in (StepStatus.COMPLETED, StepStatus.SKIPPED)


class _List:
    """A step list in the state; ``key`` is None for one that has not been started."""

    def __init__(self, graph: Graph, state: State, found: StepList, key: str | None) -> None:
        control = None if key is None else state.lists.get(key)
        self._graph = graph
        self._state = state
        self._found = found
        self._key = key
        self._current = control.current if control is not None and control.is_running else None
        self._records: Mapping[str, StepRecord] = {}
        if control is not None and key is not None:
            self._records = state.values(key).steps

    def done(self) -> int:
        """Return how many steps were done, those of branches included."""
        return sum(self._done_in(step) for step in self._found.steps)

    def left(self, stopped_at: str | None = None) -> int:
        """Return how many steps may still come at most.

        :param stopped_at: the step at which a list ended that failed
        """
        start = stopped_at
        if self._key is None:
            start = self._found.entry
        elif self._current is not None and self._current.is_step:
            start = self._current.step_id
        return self._longest(start) if start is not None and start in self._found.by_id else 0

    def _done_in(self, step: Step) -> int:
        if self._live_region(step):
            return sum(child.done() for child in self._children(step))
        if self._is_live(step.step_id):
            return 0
        record = self._records.get(step.step_id)
        inner = 0
        if self._records and step.for_each is None:
            # The steps inside an ended region are next to it, in the records of its own list.
            inner = sum(
                was_done(self._records.get(inner_step.step_id))
                for each in self._nested(step)
                for inner_step in each.steps
            )
        return int(was_done(record)) + inner

    def _weight(self, step_id: str) -> int:
        step = self._found.by_id[step_id]
        if self._live_region(step):
            return 1 + sum(child.left() for child in self._children(step))
        if was_done(self._records.get(step_id)) and not self._is_live(step_id):
            return 0
        return 1 + sum(child.left() for child in self._children(step, fresh=True))

    def _longest(self, start: str) -> int:
        flow = self._found.flow
        best: dict[str, int] = {}
        for component in strongly_connected([start], flow.successors):
            onward = [best[after] for node in component for after in flow.successors(node) if after in best]
            length = sum(self._weight(node) for node in component) + max(onward, default=0)
            best.update(dict.fromkeys(component, length))
        return best[start]

    def _is_live(self, step_id: str) -> bool:
        current = self._current
        return current is not None and current.is_step and current.step_id == step_id

    def _live_region(self, step: Step) -> bool:
        region = self._current is not None and self._current.region is not None
        return region and self._is_live(step.step_id) and step.for_each is None

    def _children(self, step: Step, *, fresh: bool = False) -> list[_List]:
        if step.for_each is not None:
            return []
        prefix = f"{self._key}/" if self._key else ""
        return [
            _List(
                self._graph,
                self._state,
                self._graph.lists[child_path(self._found.path, step, branch.branch_id)],
                None if fresh else f"{prefix}{step.step_id}/{branch.branch_id}",
            )
            for branch in step.parallel_branches or ()
        ]

    def _nested(self, step: Step) -> list[StepList]:
        """Return the lists inside a step, at every depth, but not those that run for items."""
        lists = [each for each in self._graph.child_lists(step) if step.for_each is None]
        return lists + [deeper for each in lists for inner in each.steps for deeper in self._nested(inner)]
