"""The tasks of steps and their arguments (rules K1 to K3, P5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.arguments import as_transform, parts
from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding, warning
from airflow_workflow_provider.model.checks.identity import is_semantic
from airflow_workflow_provider.model.definition import WORKFLOW_ID_PATTERN, Step
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.grants import task_references
from airflow_workflow_provider.model.json_schema.budget import OutOfSteps
from airflow_workflow_provider.model.json_schema.validation import iter_errors
from airflow_workflow_provider.model.references import PREFIX, Reference, is_child_workflow
from airflow_workflow_provider.model.templates import is_template
from airflow_workflow_provider.model.words import did_you_mean, listed, shortened, shown, violation

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

_WORKFLOW_ID: Final = re.compile(WORKFLOW_ID_PATTERN.rstrip("$"))
_DOTTED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")
_MAX_FINDINGS: Final = 20
_LONGEST: Final = 500


class KnownTask(Check):
    """A taskId names a task that there is (rule K1)."""

    codes = ("WF401",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the tasks that there are not."""
        catalogue = document.catalogue
        if catalogue is None:
            return
        for path, task_id in task_references(document.definition):
            if is_child_workflow(task_id) or catalogue.get(task_id) is not None:
                continue
            known = catalogue.ids()
            message = f"There is no task {shown(task_id)}; known tasks are: {listed(known)}"
            yield finding("WF401", path, message, did_you_mean(task_id, known) or "store its definition first")


class UniqueChoices(Check):
    """A step selects its task among different ones (rule K5)."""

    codes = ("WF415",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield every task that the set already has."""
        for path, step, _ in document.steps():
            if step.choice is None:
                continue
            first: dict[str, int] = {}
            for number, task_id in enumerate(step.choice.one_of):
                if first.setdefault(task_id, number) != number:
                    place = pointer_of((*path, "taskId", "oneOf", first[task_id]))
                    message = f"Task {shown(task_id)} is already at {place}"
                    yield warning("WF415", (*path, "taskId", "oneOf", number), message, "remove it, or name another")


class SubWorkflowReference(Check):
    """``workflow:<workflowId>`` may name a version after ``@`` (rule P5)."""

    codes = ("WF405",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the references of another form."""
        for path, task_id in task_references(document.definition):
            if not is_child_workflow(task_id):
                continue
            reference = Reference.of(task_id)
            if not _WORKFLOW_ID.fullmatch(reference.workflow_id):
                message = f"{shown(task_id)} does not name a workflow: a workflowId is 1 to 200 of A-Z a-z 0-9 _ . -"
                yield finding("WF405", path, message, "write workflow:<workflowId>, or workflow:<workflowId>@<version>")
            elif reference.version is not None and not is_semantic(reference.version):
                message = f"{shown(reference.version)} is not a semantic version"
                yield finding("WF405", path, message, f"write for example {PREFIX}{reference.workflow_id}@1.0.0")


class PinnedVersion(Check):
    """A version that a sub-workflow is pinned to is there (rule P5); it may be published later."""

    codes = ("WF408",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the references to versions that there are not."""
        if document.versions is None:
            return
        for path, task_id in task_references(document.definition):
            reference = Reference.of(task_id) if is_child_workflow(task_id) else None
            if reference is None or reference.version is None or not _is_well_formed(reference):
                continue
            known = document.versions(reference.workflow_id)
            if reference.version not in known:
                message = (
                    f"There is no version {shown(reference.version)} of workflow {shown(reference.workflow_id)}; "
                    f"its versions are: {listed(known)}"
                )
                yield warning("WF408", path, message, "publish it before the step runs")


class AllowedOperator(Check):
    """The operator behind a task is one that may be run (rule K2)."""

    codes = ("WF404",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the tasks whose operator is not allowed."""
        if document.catalogue is None:
            return
        for path, task_id in task_references(document.definition):
            task = document.catalogue.get(task_id)
            if task is not None and not document.policy.allows_operator(task.operator):
                message = f"Task {shown(task_id)} uses the operator {shown(task.operator)}, which is not allowed"
                yield finding("WF404", path, message, document.policy.operator_advice())


class Arguments(Check):
    """The literal arguments of a built-in fit its schema (rule K3)."""

    codes = ("WF403",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the arguments that do not fit."""
        if document.catalogue is None:
            return
        for path, step, _ in document.steps():
            for task_id in step.task_ids:
                schema = document.catalogue.argument_schema(task_id)
                if schema is not None:
                    what = f"Task {shown(task_id)}"
                    yield from argument_findings((*path, "arguments"), step.arguments or {}, schema, what)
            yield from _null_correlations(document, path, step)


def _is_well_formed(reference: Reference) -> bool:
    return bool(_WORKFLOW_ID.fullmatch(reference.workflow_id)) and is_semantic(reference.version or "")


def _null_correlations(document: Checked, path: Path, step: Step) -> Iterator[Diagnostic]:
    """Yield the correlation values of a ``receive`` that no event can have (rule E5)."""
    tasks = [document.catalogue.get(task_id) for task_id in step.task_ids] if document.catalogue is not None else []
    correlation = (step.arguments or {}).get("correlation")
    if not isinstance(correlation, dict) or not any(task is not None and task.operator == "receive" for task in tasks):
        return
    for key, value in correlation.items():
        if value is None:
            message = f"The correlation value of {shown(key)} is null: no event would ever match"
            yield finding("WF403", (*path, "arguments", "correlation", key), message, "give the value to wait for")


def is_dotted(operator: str) -> bool:
    """Whether a text is the dotted path of a class."""
    return bool(_DOTTED.fullmatch(operator)) and len(operator) <= _LONGEST


def argument_findings(path: Path, arguments: Any, schema: dict[str, Any], what: str) -> Iterator[Diagnostic]:
    """What is wrong with the literal ones among some arguments.

    :param path: where they are
    :param arguments: the arguments; transforms and Jinja templates among them are left alone
    :param schema: the JSON Schema of the arguments
    :param what: how to call the task in messages
    """
    computed = {inner for inner, value in parts(arguments) if as_transform(value) is not None or is_template(value)}
    found = 0
    try:
        for error in iter_errors(schema, arguments):
            if found < _MAX_FINDINGS and not _concerns(error, computed):
                found += 1
                yield finding(
                    "WF403", (*path, *error.absolute_path), f"{what}: {shortened(violation(error))}", _advice(error)
                )
    except (RecursionError, OutOfSteps):
        yield finding("WF403", path, f"{what}: the arguments are nested too deeply, or too many")


def _concerns(error: Any, computed: set[Path]) -> bool:
    """Whether an error is about something that is only known in a run."""
    place = tuple(error.absolute_path)
    if any(place[: len(inner)] == inner for inner in computed):
        return True
    return any(_concerns(each, computed) for each in error.context or ())


def _advice(error: Any) -> str | None:
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        allowed = list(error.schema.get("properties", {}))
        strange = [key for key in error.instance if key not in allowed]
        hint = did_you_mean(strange[0], allowed) if strange else None
        return hint or f"allowed arguments are {listed(allowed)}"
    if error.validator == "enum":
        return f"allowed values are {', '.join(shown(value) for value in error.validator_value)}"
    if error.validator == "oneOf":
        alternatives = [", ".join(each.get("required", ())) for each in error.validator_value if isinstance(each, dict)]
        return f"give exactly one of {listed(each for each in alternatives if each)}" if any(alternatives) else None
    return None
