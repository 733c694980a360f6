"""The possible decisions after a step, by the definition alone.

The plan draws an edge for each of these decisions; a test compares them with what the machine decides in random runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_workflow_provider.model.definition import END, FAIL, Step, WorkflowOnFailure
from airflow_workflow_provider.model.ways import (
    ANY_ERROR,
    ON_FAILURE,
    Way,
    WayKind,
    continues_normally,
    ways_of_workflow,
)

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph, StepList

UNHANDLED = None
"""The decision of a failure that nothing in its step list handles."""

Target = str | None


@dataclass(frozen=True)
class Choice:
    """One decision that a node can take.

    :param target: a step of the same list, ``end``, ``fail``, :data:`ON_FAILURE` or :data:`UNHANDLED`
    :param label: when it is taken, for people
    """

    target: Target
    label: str = ""


def after_success(graph: Graph, found: StepList, step: Step, *, mixed: bool = False) -> tuple[Choice, ...]:
    """Return what a step of a list can decide when it has completed (rules T2 to T4).

    :param mixed: the step may run both before and after the workflow's ``onFailure``
    """
    named = _choices(found.flow.ways(step.step_id, WayKind.NEXT))
    return _settled(graph, found, step.step_id, named, mixed=mixed)


def after_failure(graph: Graph, found: StepList, step: Step, *, mixed: bool = False) -> tuple[Choice, ...]:
    """Return what a step of a list can decide when it has failed for good (rule F4)."""
    named = _choices(found.flow.ways(step.step_id, WayKind.FAILURE))
    if continues_normally(step.on_failure):
        normal = found.flow.ways(step.step_id, WayKind.NEXT)
        named += [Choice(way.target, ANY_ERROR if way.guard is None else way.label) for way in normal]
    return _settled(graph, found, step.step_id, [*named, Choice(UNHANDLED)], mixed=mixed)


def after_on_failure(graph: Graph) -> tuple[Choice, ...]:
    """Return where the workflow's ``onFailure`` can lead (rule F7)."""
    handler = graph.definition.on_failure
    if handler is None:
        return ()
    named = _choices(ways_of_workflow(graph.definition))
    if handler.next_step_id is None:
        named.append(Choice(END))
    return _distinct(_after_on_failure(handler, choice) for choice in named)


def routes_failure(graph: Graph, found: StepList, step: Step) -> bool:
    """Return whether a failure of a step can lead anywhere but to the failure of its list."""
    handled = bool(found.flow.ways(step.step_id, WayKind.FAILURE)) or continues_normally(step.on_failure)
    return handled or graph.can_reach_on_failure(found, step.step_id)


def _choices(ways: Iterable[Way]) -> list[Choice]:
    return [Choice(way.target, way.label) for way in ways]


def _settled(graph: Graph, found: StepList, step_id: str, named: list[Choice], *, mixed: bool) -> tuple[Choice, ...]:
    """Return what becomes of the named targets: a failure of the top level goes to the workflow's ``onFailure``.

    A workflow's ``output`` that cannot be evaluated has no choice of its own: the task that ended the path fails.
    """
    if found.owner is not None:
        return _distinct(named)
    handler = graph.definition.on_failure
    before = graph.can_reach_on_failure(found, step_id)
    settled: list[Choice] = []
    for choice in named:
        if before:
            settled.append(_before_on_failure(choice))
        if handler is not None and (mixed or not before):
            settled.append(_after_on_failure(handler, choice))
        if handler is None:
            settled.append(choice)
    return _distinct(settled)


def _before_on_failure(choice: Choice) -> Choice:
    return Choice(ON_FAILURE, choice.label) if choice.target in (FAIL, UNHANDLED) else choice


def _after_on_failure(handler: WorkflowOnFailure, choice: Choice) -> Choice:
    return Choice(FAIL, choice.label) if choice.target == END and handler.action != "continue" else choice


def _distinct(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """Return each target once, its labels joined."""
    labels: dict[Target, dict[str, None]] = {}
    for choice in choices:
        labels.setdefault(choice.target, {})[choice.label] = None
    return tuple(Choice(target, " | ".join(label for label in found if label)) for target, found in labels.items())
