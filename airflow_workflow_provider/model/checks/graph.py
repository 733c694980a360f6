"""The graph of the steps: targets, order, and what can be reached (rules T2 to T4, T7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, StepList, finding, warning
from airflow_workflow_provider.model.definition import RESERVED_TARGETS, Step
from airflow_workflow_provider.model.ways import Holds, transitions_of, unused_target, ways_of, ways_of_workflow
from airflow_workflow_provider.model.words import did_you_mean, listed, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic


class Targets(Check):
    """A target is a step of the same step list, or ``end``, or ``fail`` (rules T4 and T7)."""

    codes = ("WF201", "WF202")

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the targets that are not steps."""
        for way in ways_of_workflow(document.definition):
            yield from self._finding(document, document.lists[0], way.place, way.target)
        for path, step, steps in document.steps():
            for way in ways_of(step, None):
                if way.place:
                    yield from self._finding(document, steps, (*path, *way.place), way.target)
            unused = unused_target(step.on_failure)
            if unused is not None:
                yield from self._finding(document, steps, (*path, "onFailure", "nextStepId"), unused)

    @staticmethod
    def _finding(document: Checked, steps: StepList, path: Path, target: str) -> Iterator[Diagnostic]:
        if target in steps.ids or target in RESERVED_TARGETS:
            return
        if target in document.step_ids:
            message = f"Step {shown(target)} is in another step list; no transition enters or leaves a branch"
            yield finding("WF202", path, message, f"the steps of this list are {listed(steps.ids)}")
            return
        message = f"There is no step {shown(target)}; the steps of this list are {listed(steps.ids)}, or end, or fail"
        yield finding("WF201", path, message, did_you_mean(target, {*steps.ids, *RESERVED_TARGETS}))


class Reachable(Check):
    """Every step can be reached from the entry or a handler (rule T7)."""

    codes = ("WF203",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the steps that nothing leads to."""
        if not (document.order_known and document.ids_are_unique):
            return
        for steps in document.lists:
            reached = self._reached(steps)
            for path, step in steps.placed():
                if step.step_id not in reached:
                    message = f"Nothing leads to step {shown(step.step_id)}"
                    yield finding("WF203", path, message, "add a transition to it, or remove it")

    @staticmethod
    def _reached(steps: StepList) -> set[str]:
        flow = steps.flow
        waiting = [name for name in (flow.entry, *steps.named_before) if name is not None]
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in reached or name not in flow.steps:
                continue
            reached.add(name)
            waiting.extend((*flow.successors(name), *flow.handlers(name)))
        return reached


class UnreachableTransitions(Check):
    """An entry without condition always holds, so it is the last (rule T3)."""

    codes = ("WF204",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the transitions behind one that always holds."""
        for path, step, _ in document.steps():
            covered = False
            for way in transitions_of(step, None):
                if covered:
                    message = (
                        f"This transition to {shown(way.target)} can never be taken: "
                        "one before it has no condition and always holds"
                    )
                    entry = (*path, *way.place[:-1])
                    yield finding("WF204", entry, message, "put the one without condition last")
                covered = covered or way.guard is None


class NoElse(Check):
    """Where no condition holds, the step fails; usually an entry without condition is meant (rule T4)."""

    codes = ("WF205",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the ``next`` in which every entry has a condition."""
        for path, step, _ in document.steps():
            guards = [way.guard for way in transitions_of(step, None)]
            if all(isinstance(guard, Holds) and guard.condition.strip() != "true" for guard in guards):
                message = f"If no condition holds, step {shown(step.step_id)} fails with NoTransitionMatched"
                suggestion = 'add a last entry without condition; "nextStepId": "end" ends the path'
                yield warning("WF205", (*path, "next"), message, suggestion)


class FallsThrough(Check):
    """Targets of one choice end in the same way: all continue with the step after them, or none does (rule T2)."""

    codes = ("WF206",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the targets that run on while a sibling ends."""
        if not (document.order_known and document.ids_are_unique):
            return
        for steps in document.lists:
            places = {step.step_id: path for path, step in steps.placed()}
            seen: set[str] = set()
            for step in steps.steps:
                for name, sibling in self._uneven(steps, step):
                    if name in seen:
                        continue
                    seen.add(name)
                    message = (
                        f"Step {shown(name)} runs on into {shown(steps.flow.default_next(name))}, "
                        f"but {shown(sibling)}, the other choice of {shown(step.step_id)}, ends"
                    )
                    yield warning("WF206", places[name], message, "set next explicitly; [] ends the path")

    @staticmethod
    def _uneven(steps: StepList, step: Step) -> Iterator[tuple[str, str]]:
        silent = [
            name
            for name in steps.flow.successors(step.step_id)
            if name in steps.flow.steps and steps.flow.steps[name].next is None
        ]
        ending = [name for name in silent if steps.flow.default_next(name) is None]
        for name in silent:
            if ending and steps.flow.default_next(name) is not None:
                yield name, ending[0]


class UnusedTarget(Check):
    """A step's ``onFailure.nextStepId`` counts with the action ``continue`` only (rule F4)."""

    codes = ("WF208",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the targets that are never used."""
        for path, step, _ in document.steps():
            unused = unused_target(step.on_failure)
            if step.on_failure is not None and unused is not None:
                message = f"nextStepId {shown(unused)} is never used: the action is {step.on_failure.action}"
                yield warning("WF208", (*path, "onFailure", "nextStepId"), message, 'write "action": "continue"')
