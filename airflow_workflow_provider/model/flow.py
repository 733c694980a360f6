"""Order inside one step list: what follows what (rules T1 and T2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_workflow_provider.model.definition import RESERVED_TARGETS, OnFailure, Step, WorkflowOnFailure


def _distinct(targets: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target for target in targets if target not in RESERVED_TARGETS))


def handler_targets(on_failure: OnFailure | None) -> tuple[str, ...]:
    """The steps an ``onFailure`` really leads to, without ``end`` and ``fail``, in order, each once.

    A step's ``nextStepId`` counts with ``continue`` only (rule F4); a workflow's runs whatever the action (rule F7).
    """
    if on_failure is None:
        return ()
    named = [condition.next_step_id for condition in on_failure.conditions]
    counts = on_failure.action == "continue" or isinstance(on_failure, WorkflowOnFailure)
    if on_failure.next_step_id is not None and counts:
        named.append(on_failure.next_step_id)
    return _distinct(named)


def transition_targets(step: Step) -> tuple[str, ...]:
    """The steps that ``next`` names, without ``end`` and ``fail``, in order, each once."""
    return _distinct(transition.next_step_id for transition in step.next or ())


def targets(step: Step) -> tuple[str, ...]:
    """All steps that a step itself names, by transition or error handler, in order, each once."""
    return _distinct((*transition_targets(step), *handler_targets(step.on_failure)))


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

    def successors(self, step_id: str) -> tuple[str, ...]:
        """The steps that can come next after success, in order, each once."""
        step = self.steps[step_id]
        if step.next is not None:
            return transition_targets(step)
        following = self.default_next(step_id)
        return () if following is None else (following,)

    def handlers(self, step_id: str) -> tuple[str, ...]:
        """The steps that can come next after failure, in order, each once.

        With ``continue`` and no ``nextStepId`` these are the normal successors too (rule F4).
        """
        step = self.steps[step_id]
        named = handler_targets(step.on_failure)
        if step.on_failure is not None and step.on_failure.action == "continue" and not step.on_failure.next_step_id:
            return _distinct((*named, *self.successors(step_id)))
        return named
