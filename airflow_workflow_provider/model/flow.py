"""Order inside one step list: what follows what (rules T1 and T2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from airflow_workflow_provider.model.definition import RESERVED_TARGETS, Step, WorkflowDefinition
from airflow_workflow_provider.model.ways import (
    Way,
    WayKind,
    continues_normally,
    handlers_of,
    transitions_of,
    ways_of,
    ways_of_workflow,
)


def _distinct(ways: Iterable[Way]) -> tuple[str, ...]:
    """The steps that ways lead to, without ``end`` and ``fail``, in order, each once."""
    return tuple(dict.fromkeys(way.target for way in ways if way.target not in RESERVED_TARGETS))


def workflow_targets(definition: WorkflowDefinition) -> tuple[str, ...]:
    """The steps that the workflow's ``onFailure`` leads to, in order, each once (rule F7)."""
    return _distinct(ways_of_workflow(definition))


def targets(step: Step) -> tuple[str, ...]:
    """All steps that a step itself names, by transition or error handler, in order, each once."""
    return _distinct((*transitions_of(step, None), *handlers_of(step.step_id, step.on_failure)))


@dataclass(frozen=True)
class Flow:
    """The order of one step list.

    :param steps: the steps by id, in definition order
    :param followers: what comes after a step without ``next`` (rule T2); None where the path ends
    """

    steps: Mapping[str, Step]
    followers: Mapping[str, str | None]

    @classmethod
    def of(cls, steps: Iterable[Step], *, named_before: Iterable[str] = ()) -> Flow:
        """The order of a step list.

        :param steps: the list, in definition order
        :param named_before: targets that count as named before the list (those of the workflow's ``onFailure``)
        """
        listed = tuple(steps)
        named = set(named_before)
        followers: dict[str, str | None] = {}
        for position, step in enumerate(listed):
            named.update(targets(step))
            following = listed[position + 1].step_id if position + 1 < len(listed) else None
            followers[step.step_id] = None if following in named else following
        return cls({step.step_id: step for step in listed}, followers)

    @property
    def entry(self) -> str | None:
        """The first step; None for an empty list."""
        return next(iter(self.steps), None)

    def default_next(self, step_id: str) -> str | None:
        """The step that comes after one without ``next`` (rule T2); None where the path ends."""
        return self.followers[step_id]

    @cached_property
    def _ways(self) -> Mapping[str, tuple[Way, ...]]:
        return {step_id: ways_of(step, self.followers[step_id]) for step_id, step in self.steps.items()}

    def ways(self, step_id: str, *kinds: WayKind) -> tuple[Way, ...]:
        """The ways out of a step, in order; only those of some kinds where any are named."""
        found = self._ways[step_id]
        return tuple(way for way in found if way.kind in kinds) if kinds else found

    def successors(self, step_id: str) -> tuple[str, ...]:
        """The steps that can come next after success, in order, each once."""
        return _distinct(self.ways(step_id, WayKind.NEXT))

    def handlers(self, step_id: str) -> tuple[str, ...]:
        """The steps that can come next after failure, in order, each once.

        With ``continue`` and no ``nextStepId`` these are the normal successors too (rule F4).
        """
        handled = self.ways(step_id, WayKind.FAILURE)
        if continues_normally(self.steps[step_id].on_failure):
            handled += self.ways(step_id, WayKind.NEXT)
        return _distinct(handled)
