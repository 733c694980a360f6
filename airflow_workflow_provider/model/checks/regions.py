"""Branches and items (rules P2 to P4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding, warning
from airflow_workflow_provider.model.definition import AirflowTask
from airflow_workflow_provider.model.expressions import X1_NAMES, usable_name
from airflow_workflow_provider.model.grants import task_places
from airflow_workflow_provider.model.task import BUILTIN_TASKS
from airflow_workflow_provider.model.words import listed, shown
from airflow_workflow_provider.settings import GRANTABLE_ARGUMENTS

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step
    from airflow_workflow_provider.model.diagnostics import Diagnostic


class OneRegion(Check):
    """A step has branches or items, not both (rule P3)."""

    codes = ("WF210",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the steps that have both; an empty list of branches counts."""
        for path, step, _ in document.steps():
            if step.parallel_branches is not None and step.for_each is not None:
                message = f"Step {shown(step.step_id)} has both parallelBranches and forEach"
                suggestion = "remove one of them, or put the branches into a step inside forEach"
                yield finding("WF210", (*path, "parallelBranches"), message, suggestion)


class IdleFailFast(Check):
    """``failFast`` needs branches or items (rule P2)."""

    codes = ("WF211",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield a warning for each step that has neither."""
        for path, step, _ in document.steps():
            if step.fail_fast and not step.parallel_branches and step.for_each is None:
                message = f"Step {shown(step.step_id)} has neither branches nor items, so failFast has no effect"
                yield warning("WF211", (*path, "failFast"), message, "remove it")


class UnmetJoin(Check):
    """``join`` waits for branches, of which there have to be enough (rule P1)."""

    codes = ("WF219",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the joins of steps that have not so many branches."""
        for path, step, _ in document.steps():
            branches = len(step.parallel_branches or ())
            if step.join is None or step.join.at_least <= branches:
                continue
            message = f"Step {shown(step.step_id)} waits for {step.join.at_least} branches and has {branches}"
            suggestion = (
                f"write a number from 1 to {branches}" if branches else "remove join; it is for parallelBranches"
            )
            yield finding("WF219", (*path, "join", "atLeast"), message, suggestion)


class IdleTaskArguments(Check):
    """Pool, queue and priority are those of an Airflow task; a step without one of its own has none (rule T8)."""

    codes = ("WF217",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the steps of inline workflows, of items, and of selected tasks, whose task asks for some."""
        inline = document.definition.settings.execution == "inline"
        for path, step, steps in document.steps():
            shares = inline or "forEach" in steps.path
            for name in step.airflow.arguments if shares and step.airflow is not None else ():
                yield _idle((*path, "airflow", AirflowTask.key_of(name)), step, AirflowTask.key_of(name))
            if shares or step.choice is not None:
                yield from self._of_tasks(document, path, step)

    @staticmethod
    def _of_tasks(document: Checked, path: Path, step: Step) -> Iterator[Diagnostic]:
        own = GRANTABLE_ARGUMENTS & (step.arguments or {}).keys()
        for place, task_id in task_places(path, step):
            task = document.catalogue.get(task_id) if document.catalogue is not None else None
            if task is None or task.operator in BUILTIN_TASKS:
                continue
            for name in sorted(GRANTABLE_ARGUMENTS & task.arguments.keys() | own):
                yield _idle((*path, "arguments", name) if name in own else place, step, name)


def _idle(place: Path, step: Step, name: str) -> Diagnostic:
    message = f"Step {shown(step.step_id)} runs inside a shared task, so its {name} does nothing"
    suggestion = "remove it, or run the step in a workflow whose execution is tasks, outside of forEach"
    if step.choice is not None:
        message = f"Step {shown(step.step_id)} selects its task inside an Airflow task, so {name} does nothing"
        suggestion = "remove it; airflow of the step sets it"
    return warning("WF217", place, message, suggestion)


class ItemName(Check):
    """The name of an item is usable in expressions and hides no other binding (rule P4)."""

    codes = ("WF306",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the names that are refused."""
        for path, step, steps in document.steps():
            if step.for_each is None:
                continue
            name = step.for_each.as_
            place = (*path, "forEach", "as")
            taken = {name, f"{name}Index"} & X1_NAMES
            outer = {name, f"{name}Index"} & (steps.names - X1_NAMES)
            if taken:
                message = f"{shown(name)} hides a binding; the names that are taken are {listed(X1_NAMES)}"
                yield finding("WF306", place, message, "choose another name, for example item")
            elif not usable_name(name):
                message = f"{shown(name)} is not a name that every expression language can use"
                yield finding("WF306", place, message, "use letters, digits and _, and no reserved word of CEL")
            elif outer:
                message = f"{shown(name)} hides the item of an enclosing forEach"
                yield warning("WF306", place, message, "choose another name to see both")
