"""Questions of steps to people (rule K3, tasks ``approval`` and ``form``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.model.arguments import as_transform, parts
from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding, warning
from airflow_workflow_provider.model.checks.schemas import schema_findings
from airflow_workflow_provider.model.json_schema.validation import fits
from airflow_workflow_provider.model.questions import (
    ASSIGNEE_KINDS,
    KINDS,
    ambiguities,
    assignees_of,
    contradictions,
)
from airflow_workflow_provider.model.templates import is_template
from airflow_workflow_provider.model.ways import continues_normally, handlers_of, transitions_of

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step
    from airflow_workflow_provider.model.diagnostics import Diagnostic


class QuestionArguments(Check):
    """What a step asks people fits together, and its form's schema is one (rule K3)."""

    codes = ("WF126", "WF127", "WF406")

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield what does not fit."""
        for path, kind, given, computed in _questions(document):
            for place, message in (*contradictions(kind, given, computed), *ambiguities(kind, given, computed)):
                yield finding("WF406", (*path, *place), message[0].upper() + message[1:])
            if "schema" in given:
                yield from schema_findings((*path, "schema"), given["schema"], objects=True)


class KnownAssignees(Check):
    """The people whom a step asks are in the directory, as far as that can be known (rule K3)."""

    codes = ("WF407",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the users, roles and groups that surely are not there."""
        if document.knows is None:
            return
        for path, _, given, _ in _questions(document):
            for place, assignees in assignees_of(given):
                for key, kind in ASSIGNEE_KINDS.items():
                    for index, name in enumerate(assignees.get(key, ())):
                        if document.knows(kind, name) is False:
                            message = f"There is no {kind} {name!r}: nobody could answer for it"
                            yield warning("WF407", (*path, *place, key, index), message)


class FailedApproval(Check):
    """An approval that failed does not continue as if it had been given (rules K3, F4)."""

    codes = ("WF216",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the handlers that lead where an approval leads."""
        for path, step, _ in document.steps():
            handler = step.on_failure
            if handler is None or self._operator(document, step) != "approval":
                continue
            given = {way.target for way in transitions_of(step, None) if way.place and way.guard is None}
            handled = [way for way in handlers_of(step.step_id, handler) if way.target in given]
            # A handler of every error stands behind the conditions and is there because of the action.
            then = [
                (("onFailure", "action") if way.guard is None else way.place, f"with {way.target!r}") for way in handled
            ]
            if continues_normally(handler) and (given or not step.next):
                then.append((("onFailure", "action"), "with the step's own next"))
            for place, how in then:
                message = f"When the approval fails, the workflow continues {how}, as if it had been approved"
                suggestion = "stop, or continue with a step that handles what was not approved"
                yield warning("WF216", (*path, *place), message, suggestion)

    @staticmethod
    def _operator(document: Checked, step: Step) -> str | None:
        only = step.task_ids[0] if step.choice is None else None
        task = document.catalogue.get(only) if document.catalogue is not None and only is not None else None
        return task.operator if task is not None else None


def _questions(document: Checked) -> Iterator[tuple[Path, str, Mapping[str, Any], set[str]]]:
    """Yield place and kind of each question, its literal arguments, and the names of the computed ones."""
    if document.catalogue is None:
        return
    tasks = ((path, step, task_id) for path, step, _ in document.steps() for task_id in step.task_ids)
    for path, step, task_id in tasks:
        task, schema = document.catalogue.get(task_id), document.catalogue.argument_schema(task_id)
        if task is None or schema is None or task.operator not in KINDS:
            continue
        arguments = {**task.arguments, **(step.arguments or {})}
        computed = {name for name, value in arguments.items() if _is_computed(value)}
        given = {name: value for name, value in arguments.items() if name not in computed}
        if _fits(given, schema):
            yield (*path, "arguments"), task.operator, given, computed


def _is_computed(value: Any) -> bool:
    return any(as_transform(part) is not None or is_template(part) for _, part in [((), value), *parts(value)])


def _fits(given: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Return whether literal arguments fit one by one; what does not is said by another check."""
    return fits({**schema, "required": []}, dict(given))
