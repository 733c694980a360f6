"""What the machine can decide after a step, read off the definition alone.

The plan draws an edge for each of these decisions; a test compares them with what the machine decides in random runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_workflow_provider.engine.graph import ON_FAILURE, Graph, StepList
from airflow_workflow_provider.model.definition import END, FAIL, ErrorCondition, OnFailure, Step, WorkflowOnFailure

UNHANDLED = None
"""The decision of a failure that nothing in its step list handles."""

Target = str | None


@dataclass(frozen=True)
class Way:
    """One way out of a node.

    :param target: a step of the same list, ``end``, ``fail``, :data:`ON_FAILURE` or :data:`UNHANDLED`
    :param label: when it is taken, for people
    """

    target: Target
    label: str = ""


def ways_of_success(graph: Graph, found: StepList, step: Step, *, mixed: bool = False) -> tuple[Way, ...]:
    """Return where a step of a list leads when it has completed (rules T2 to T4).

    :param mixed: the step may run both before and after the workflow's ``onFailure``
    """
    if step.next is None:
        named = [Way(found.flow.default_next(step.step_id) or END)]
    elif not step.next:
        named = [Way(END)]
    else:
        otherwise = "otherwise" if len(step.next) > 1 else ""
        named = [Way(entry.next_step_id, entry.condition or otherwise) for entry in step.next]
    return _settled(graph, found, step.step_id, named, mixed=mixed)


def ways_of_failure(graph: Graph, found: StepList, step: Step, *, mixed: bool = False) -> tuple[Way, ...]:
    """Return where a step of a list leads when it has failed for good (rule F4)."""
    named = list(_handled(step.on_failure))
    if step.on_failure is not None and step.on_failure.action == "continue" and step.on_failure.next_step_id is None:
        named += [Way(way.target, way.label or "any error") for way in _normal(found, step)]
    return _settled(graph, found, step.step_id, [*named, Way(UNHANDLED)], mixed=mixed)


def ways_of_on_failure(graph: Graph) -> tuple[Way, ...]:
    """Return where the workflow's ``onFailure`` leads (rule F7)."""
    handler = graph.definition.on_failure
    if handler is None:
        return ()
    named = [*_handled(handler, always=True)]
    if handler.next_step_id is None:
        named.append(Way(END))
    return _distinct([_after_on_failure(handler, way) for way in named])


def routes_failure(graph: Graph, found: StepList, step: Step) -> bool:
    """Tell whether a failure of a step can lead anywhere but to the failure of its list."""
    handler = step.on_failure
    if handler is not None and (handler.conditions or handler.action == "continue"):
        return True
    return graph.can_reach_on_failure(found, step.step_id)


def _normal(found: StepList, step: Step) -> tuple[Way, ...]:
    if step.next:
        return tuple(Way(entry.next_step_id, entry.condition or "") for entry in step.next)
    follower = found.flow.default_next(step.step_id) if step.next is None else None
    return (Way(follower or END),)


def _handled(handler: OnFailure | None, *, always: bool = False) -> Iterator[Way]:
    if handler is None:
        return
    for condition in handler.conditions:
        yield Way(condition.next_step_id, _matched(condition))
    if handler.next_step_id is not None and (always or handler.action == "continue"):
        yield Way(handler.next_step_id, "any error")


def _matched(condition: ErrorCondition) -> str:
    code = f"code {condition.error_code}" if condition.error_code is not None else None
    return ", ".join(part for part in (condition.error_type, code) if part)


def _settled(graph: Graph, found: StepList, step_id: str, named: list[Way], *, mixed: bool) -> tuple[Way, ...]:
    """Return what becomes of the named targets: a failure of the top level goes to the workflow's ``onFailure``.

    A workflow's ``output`` that cannot be evaluated has no way of its own: the task that ended the path fails.
    """
    if found.owner is not None:
        return _distinct(named)
    handler = graph.definition.on_failure
    before = graph.can_reach_on_failure(found, step_id)
    settled: list[Way] = []
    for way in named:
        if before:
            settled.append(_before_on_failure(way))
        if handler is not None and (mixed or not before):
            settled.append(_after_on_failure(handler, way))
        if handler is None:
            settled.append(way)
    return _distinct(settled)


def _before_on_failure(way: Way) -> Way:
    return Way(ON_FAILURE, way.label) if way.target in (FAIL, UNHANDLED) else way


def _after_on_failure(handler: WorkflowOnFailure, way: Way) -> Way:
    return Way(FAIL, way.label) if way.target == END and handler.action != "continue" else way


def _distinct(ways: list[Way]) -> tuple[Way, ...]:
    """Return each target once, its labels joined."""
    labels: dict[Target, dict[str, None]] = {}
    for way in ways:
        labels.setdefault(way.target, {})[way.label] = None
    return tuple(Way(target, " | ".join(label for label in found if label)) for target, found in labels.items())
