"""Where a step can lead: its transitions, handlers, branches, items and compensation as one table.

The machine evaluates the guards of these ways; the plan of a DAG, the drawings and the checks read the same table. A
way's id is stored with every decision that took it, so that a page counts instead of guessing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.model.definition import END, OnFailure, Step, WorkflowDefinition, WorkflowOnFailure

if TYPE_CHECKING:
    from airflow_workflow_provider.strict_json import Path

ON_FAILURE: Final = "fail.on_failure"
"""Stands for the workflow's ``onFailure`` where otherwise a stepId stands (rule F7). No stepId holds a dot."""

OTHERWISE: Final = "otherwise"
"""Label of a transition without a condition that stands behind others."""

ANY_ERROR: Final = "any error"
"""Label of a handler that takes every failure."""


class WayKind(StrEnum):
    """The kind of a way."""

    NEXT = "next"
    """A transition; a failure takes it too where ``onFailure`` continues without a step of its own (rule F4)."""
    FAILURE = "failure"
    """A handler of a failure."""
    BRANCH = "branch"
    """The start of a branch."""
    ITEMS = "items"
    """The start of the steps that run for every item."""
    COMPENSATION = "compensation"
    """The task that undoes the step."""


@dataclass(frozen=True)
class Holds:
    """The guard of a transition: a CEL expression that has to be true (rule T3)."""

    condition: str


@dataclass(frozen=True)
class Matches:
    """The guard of a handler: what is given has to match the failure (rule F4)."""

    error_type: str | None
    error_code: str | None


Guard = Holds | Matches


@dataclass(frozen=True)
class Way:
    """One way to leave a step, or the workflow's ``onFailure``.

    :param id: ``<stepId>/<kind>/<position or branchId>``, such as ``approve/next/1``; unique in a definition and the
        same as long as the definition is
    :param source: the step, or :data:`ON_FAILURE`
    :param target: a step of the same list, ``end`` or ``fail``; of branches and items their first step, ``end`` where
        they have none; of a compensation ``<stepId>.compensation``
    :param guard: what has to be true for it to be taken; None for nothing
    :param kind: what leads it
    :param label: when it is taken, for people; empty where there is nothing to say
    :param place: where the document names the target of a transition or handler, from the step on; empty where it
        does not, as where the next step follows by its position (rule T2)
    """

    id: str
    source: str
    target: str
    guard: Guard | None
    kind: WayKind
    label: str = ""
    place: Path = ()

    @property
    def is_otherwise(self) -> bool:
        """Whether it is taken where no other transition holds."""
        return self.kind is WayKind.NEXT and self.guard is None and self.label == OTHERWISE


@dataclass(frozen=True)
class InnerList:
    """A step list inside a step: a branch, or the steps that run for every item (rules P1, P4).

    :param way: the way into it
    :param branch_id: of a branch its id, None for items
    :param place: where its steps are, from the step on
    :param names: the names that expressions inside may use in addition
    """

    way: Way
    branch_id: str | None
    steps: tuple[Step, ...]
    place: Path
    names: frozenset[str] = frozenset()


def ways_of(step: Step, follower: str | None) -> tuple[Way, ...]:
    """Return every way to leave a step, in the order in which they are decided.

    :param follower: the step that comes next where the step has no ``next`` (rule T2); None where the path ends
    """
    return (
        *transitions_of(step, follower),
        *handlers_of(step.step_id, step.on_failure),
        *(inner.way for inner in inner_lists(step)),
        *_compensation_of(step),
    )


def transitions_of(step: Step, follower: str | None) -> tuple[Way, ...]:
    """Return the ways that a step takes when it has completed; there is always one (rules T2 to T4)."""
    if not step.next:
        target = follower if step.next is None else None
        return (_way(step.step_id, WayKind.NEXT, 0, target or END),)
    otherwise = OTHERWISE if len(step.next) > 1 else ""
    found = []
    for number, entry in enumerate(step.next):
        guard = None if entry.condition is None else Holds(entry.condition)
        label = otherwise if entry.condition is None else entry.condition
        place = ("next", number, "nextStepId")
        found.append(_way(step.step_id, WayKind.NEXT, number, entry.next_step_id, guard, label=label, place=place))
    return tuple(found)


def handlers_of(source: str, on_failure: OnFailure | None) -> tuple[Way, ...]:
    """Return the ways of an ``onFailure``, in order.

    A step's ``nextStepId`` counts with ``continue`` only (rule F4); a workflow's counts whatever the action (rule F7).

    :param source: the step, or :data:`ON_FAILURE`
    """
    if on_failure is None:
        return ()
    found = []
    for number, each in enumerate(on_failure.conditions):
        guard = Matches(each.error_type, each.error_code)
        place: Path = ("onFailure", "errorHandler", "conditions", number, "nextStepId")
        found.append(
            _way(source, WayKind.FAILURE, number, each.next_step_id, guard, label=_matched(guard), place=place)
        )
    target = on_failure.next_step_id
    if target is not None and unused_target(on_failure) is None:
        place = ("onFailure", "nextStepId")
        found.append(_way(source, WayKind.FAILURE, len(found), target, label=ANY_ERROR, place=place))
    return tuple(found)


def unused_target(on_failure: OnFailure | None) -> str | None:
    """Return the ``nextStepId`` of an ``onFailure`` that no way leads to, because of the action (rule F4)."""
    if on_failure is None or on_failure.action == "continue" or isinstance(on_failure, WorkflowOnFailure):
        return None
    return on_failure.next_step_id


def ways_of_workflow(definition: WorkflowDefinition) -> tuple[Way, ...]:
    """Return the ways of the workflow's ``onFailure`` (rule F7); where none is taken, the instance ends."""
    return handlers_of(ON_FAILURE, definition.on_failure)


def continues_normally(on_failure: OnFailure | None) -> bool:
    """Return whether a failure that no condition matches takes the normal transitions (rule F4)."""
    return on_failure is not None and on_failure.action == "continue" and on_failure.next_step_id is None


def inner_lists(step: Step) -> tuple[InnerList, ...]:
    """Return the step lists that a step holds, in definition order."""
    found: list[InnerList] = []
    for number, branch in enumerate(step.parallel_branches or ()):
        way = _way(step.step_id, WayKind.BRANCH, branch.branch_id, _first(branch.steps), label=branch.branch_id)
        found.append(InnerList(way, branch.branch_id, branch.steps, ("parallelBranches", number, "steps")))
    each = step.for_each
    if each is not None:
        way = _way(step.step_id, WayKind.ITEMS, 0, _first(each.steps), label=each.as_)
        names = frozenset({each.as_, f"{each.as_}Index"})
        found.append(InnerList(way, None, each.steps, ("forEach", "steps"), names))
    return tuple(found)


def every_step(steps: Iterable[Step], place: Path = ("steps",)) -> Iterator[tuple[Path, Step]]:
    """Yield every step of a list with its place, each before those inside it."""
    for index, step in enumerate(steps):
        here = (*place, index)
        yield here, step
        for inner in inner_lists(step):
            yield from every_step(inner.steps, (*here, *inner.place))


def _compensation_of(step: Step) -> tuple[Way, ...]:
    if step.compensation is None:
        return ()
    return (_way(step.step_id, WayKind.COMPENSATION, 0, f"{step.step_id}.compensation", label="undo"),)


def _way(
    source: str,
    kind: WayKind,
    name: int | str,
    target: str,
    guard: Guard | None = None,
    *,
    label: str = "",
    place: Path = (),
) -> Way:
    return Way(f"{source}/{kind.value}/{name}", source, target, guard, kind, label, place)


def _first(steps: tuple[Step, ...]) -> str:
    return steps[0].step_id if steps else END


def _matched(guard: Matches) -> str:
    code = f"code {guard.error_code}" if guard.error_code is not None else None
    return ", ".join(part for part in (guard.error_type, code) if part)
