"""Checking a document as a whole: every finding at once, never an exception for what a document says (rule D2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.checks.base import Catalogue, Checked
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.model.environment import unresolved
from airflow_workflow_provider.model.json_text import loads_document, value_findings
from airflow_workflow_provider.model.pointers import parts_of
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.structure import Reading, read
from airflow_workflow_provider.model.task import TaskDefinition

__all__ = [
    "Catalogue",
    "ValidationResult",
    "loads_document",
    "parse_definition",
    "parse_task",
    "validate_document",
    "validate_task",
]

M = TypeVar("M", bound=BaseModel)

MAX_DIAGNOSTICS: Final = 1000
"""More findings than this help nobody; those of the first places are kept."""

_FATAL: Final = frozenset({"WF103", "WF104"})


@dataclass(frozen=True)
class ValidationResult(Generic[M]):
    """The result of checking a document.

    :param definition: the document; None if it was refused
    :param diagnostics: every finding, in document order
    """

    definition: M | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that reject the document."""
        return tuple(each for each in self.diagnostics if each.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The findings that do not."""
        return tuple(each for each in self.diagnostics if each.severity == "warning")

    @property
    def valid(self) -> bool:
        """Whether there is no error."""
        return self.definition is not None

    def accepted(self, what: str = "The document") -> M:
        """The document.

        :param what: how to call it in the message
        :raises InvalidDefinition: it was refused; with every finding
        """
        if self.definition is not None:
            return self.definition
        errors = self.errors
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        place = f" at {errors[0].pointer}" if errors[0].pointer else ""
        message = f"{what} is invalid: {errors[0].code}{place}: {errors[0].message}{more}"
        raise InvalidDefinition(message, self.diagnostics)


def validate_document(
    document: Any,
    catalogue: Catalogue | None = None,
    *,
    policy: Policy | None = None,
    knows: Callable[[str, str], bool | None] | None = None,
    versions: Callable[[str], Collection[str]] | None = None,
) -> ValidationResult[WorkflowDefinition]:
    """Check a workflow document.

    :param document: a JSON value
    :param catalogue: the tasks there are; None: tasks are not checked
    :param policy: what authors may reach; by default the built-in tasks without any connection
    :param knows: returns whether there is a ``user``, ``role`` or ``group`` of a name, null if unknown; None:
        people are not checked
    :param versions: returns the versions of a workflow; None: other workflows are not checked
    """
    from airflow_workflow_provider.model.checks import CHECKS

    def findings(reading: Reading[WorkflowDefinition], model: WorkflowDefinition) -> Iterator[Diagnostic]:
        checked = Checked(model, catalogue, policy or Policy(), reading.order_known, knows, versions)
        for check in CHECKS:
            yield from islice(check.findings(checked), MAX_DIAGNOSTICS)

    return _validate(WorkflowDefinition, document, findings, unresolved)


def validate_task(
    document: Any, *, policy: Policy | None = None, catalogue: Catalogue | None = None
) -> ValidationResult[TaskDefinition]:
    """Check a task document.

    :param document: a JSON value
    :param policy: what authors may reach; by default the built-in tasks without any connection
    :param catalogue: knows the built-in tasks' arguments; None: they are not checked
    """
    from airflow_workflow_provider.model.checks.definitions import task_findings
    from airflow_workflow_provider.model.checks.templates import template_findings

    def findings(_: Reading[TaskDefinition], model: TaskDefinition) -> Iterator[Diagnostic]:
        yield from task_findings(model, policy or Policy(), catalogue)
        yield from template_findings(("arguments",), model.arguments)

    return _validate(TaskDefinition, document, findings, unresolved)


def parse_definition(document: Any, *, checked: bool = True) -> WorkflowDefinition:
    """The definition that a document is; its tasks are not checked.

    :param document: a JSON value
    :param checked: whether to check its meaning too, not only its form; a stored document has been checked before
    :raises InvalidDefinition: it is refused; with every finding
    """
    result = validate_document(document) if checked else _validate(WorkflowDefinition, document, lambda *_: ())
    return result.accepted("The definition")


def parse_task(document: Any, *, checked: bool = True) -> TaskDefinition:
    """The task definition that a stored document is; what it reaches and its templates are not checked.

    :param document: a JSON value
    :param checked: whether to check its meaning too, not only its form; a stored document has been checked before
    :raises InvalidDefinition: it is refused; with every finding
    """
    from airflow_workflow_provider.model.checks.definitions import form_findings

    def findings(_: Reading[TaskDefinition], model: TaskDefinition) -> Iterator[Diagnostic]:
        return form_findings(model) if checked else iter(())

    return _validate(TaskDefinition, document, findings).accepted("The task definition")


def too_much(message: str) -> ValidationResult[Any]:
    """Return the result for a document whose check takes more than it may.

    :param message: what it takes
    """
    return ValidationResult(None, (Diagnostic("WF106", "error", "", message, "simplify its schemas and expressions"),))


def _validate(
    model: type[M], document: Any, checks: Any, places: Callable[[Any], Iterable[Diagnostic]] = lambda _: ()
) -> ValidationResult[M]:
    """Check a document.

    :param checks: yields the findings on what the document means
    :param places: yields the findings of places in which everything else that is wrong is only a consequence
    """
    found = value_findings(document)
    if any(each.code in _FATAL for each in found):
        return ValidationResult(None, tuple(found))
    first = list(islice(places(document), MAX_DIAGNOSTICS))
    found = _without_repeats(found, first)
    try:
        reading = read(model, document)
        found = _without_repeats(found, reading.diagnostics)
        if reading.model is not None:
            known = {(each.code, each.pointer) for each in found}
            left = {each.pointer for each in first}
            more: Iterable[Diagnostic] = (each for each in checks(reading, reading.model) if each.pointer not in left)
            found.extend(
                each for each in more if not reading.touches(each.pointer) and (each.code, each.pointer) not in known
            )
    except RecursionError:
        message = "The document is nested too deeply"
        return ValidationResult(None, (*found, Diagnostic("WF103", "error", "", message)))
    except MemoryError:
        return too_much("Checking the document takes more memory than there is")
    ordered = tuple(_in_document_order(document, found))
    accepted = reading.model is not None and not any(each.severity == "error" for each in ordered)
    return ValidationResult(reading.model if accepted else None, ordered)


def _without_repeats(first: list[Diagnostic], then: list[Diagnostic]) -> list[Diagnostic]:
    """The findings of two passes over the same places, each place once."""
    known = {each.pointer for each in first}
    return [*first, *(each for each in then if each.pointer not in known)]


def _in_document_order(document: Any, found: list[Diagnostic]) -> list[Diagnostic]:
    def place(diagnostic: Diagnostic) -> list[int]:
        positions = []
        value = document
        for key in parts_of(diagnostic.pointer):
            if isinstance(value, dict) and key in value:
                positions.append(list(value).index(key))
                value = value[key]
            elif isinstance(value, (list, tuple)) and key.isdecimal() and int(key) < len(value):
                positions.append(int(key))
                value = value[int(key)]
            else:
                positions.append(len(value) if isinstance(value, dict) else 0)
                break
        return positions

    ordered = sorted(found, key=place)
    if len(ordered) > MAX_DIAGNOSTICS:
        errors_first = sorted(ordered, key=lambda each: each.severity)[:MAX_DIAGNOSTICS]
        return sorted(errors_first, key=place)
    return ordered
