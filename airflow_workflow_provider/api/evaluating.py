"""Documents checked and simulated in the processes for evaluations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.errors import InvalidDefinition, LimitExceeded
from airflow_workflow_provider.instances.graphs import named_tasks
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.model.grants import Needs
from airflow_workflow_provider.model.references import Reference, is_child_workflow
from airflow_workflow_provider.model.task import TASK_ID_PATTERN
from airflow_workflow_provider.model.validate import ValidationResult, parse_definition, parse_task, too_much
from airflow_workflow_provider.people.directory import Directory
from airflow_workflow_provider.tasks.builtin import BUILTINS
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.evaluating import MISSING, definition_checked, sent, simulated, task_checked

if TYPE_CHECKING:
    from pydantic import BaseModel

    from airflow_workflow_provider.api.models import SimulateBody
    from airflow_workflow_provider.api.services import Services
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.task import TaskDefinition

Json = dict[str, Any]

_TASK_ID: Final = re.compile(TASK_ID_PATTERN)

MAX_REFERRED: Final = 1_000
"""Workflows of one document whose versions are looked up."""

PART_OF_TIME: Final = 0.8
"""Of the seconds that a request has: after these a simulation says itself that it is too long."""


@dataclass(frozen=True)
class Checked:
    """The result of checking a document."""

    valid: bool
    diagnostics: tuple[Diagnostic, ...]
    document: Any
    needs: Needs = field(default_factory=Needs)

    def definition(self) -> WorkflowDefinition:
        """Return the definition.

        :raises InvalidDefinition: it was refused; with every finding
        """
        self._accept("The definition")
        return parse_definition(self.document, checked=False)

    def task(self) -> TaskDefinition:
        """Return the task definition.

        :raises InvalidDefinition: it was refused; with every finding
        """
        self._accept("The task definition")
        return parse_task(self.document, checked=False)

    def _accept(self, what: str) -> None:
        if not self.valid:
            ValidationResult[Any](None, self.diagnostics).accepted(what)


def check_definition(services: Services, document: Any) -> Checked:
    """Check a workflow document as publishing does."""
    catalogue = _sent(services, document)
    policy = services.policy.to_json()
    versions = _versions(services, document)
    try:
        found = definition_checked(document, catalogue, policy, [], versions)
        if found["asked"]:
            knows = Directory.configured(services.settings).knows
            answers = [[kind, name, knows(kind, name)] for kind, name in found["asked"]]
            if any(answer is False for _, _, answer in answers):
                found = definition_checked(document, catalogue, policy, answers, versions)
    except LimitExceeded as error:
        return _refused(document, error)
    checked = _checked(document, found)
    return replace(checked, needs=Needs.from_json(found["needs"])) if checked.valid else checked


def check_task(services: Services, document: Any) -> Checked:
    """Check a task document as publishing does."""
    try:
        found = task_checked(document, _sent(services, document), services.policy.to_json())
    except LimitExceeded as error:
        return _refused(document, error)
    return _checked(document, found)


def simulate(
    services: Services, document: Json, children: Mapping[str, Json], body: SimulateBody, *, checked: bool
) -> tuple[Json, list[Diagnostic]]:
    """Run a definition in memory, with those that it may run; return the result and what its check found.

    :param checked: whether it is stored, and so was checked when it was published
    :raises InvalidDefinition: it was refused; with every finding
    """
    about = {
        "input": body.input,
        "mocks": body.mocks,
        "event": body.event,
        "correlationId": body.correlation_id,
        "now": (body.start or datetime.now(UTC)).isoformat(),
        "answers": {name: [_given(each) for each in given] for name, given in body.answers.items()},
        "events": [_given(each) for each in body.events],
    }
    settings = services.settings
    options = {
        "maxOutputBytes": settings.max_output_bytes,
        "maxDepth": settings.max_depth,
        "defaultRetry": settings.default_retry,
        "seconds": settings.evaluation_seconds * PART_OF_TIME,
    }
    catalogue = _sent(services, document, *children.values())
    policy = None if checked else services.policy.to_json()
    result = simulated(document, about, catalogue, dict(children), options, policy)
    diagnostics = [Diagnostic(**each) for each in result.pop("diagnostics")]
    found = [each for each in diagnostics if each.code not in MISSING]
    if not result:
        first = next(each for each in found if each.severity == "error")
        message = f"The definition is invalid: {first.message}"
        raise InvalidDefinition(message, diagnostics)
    return result, found


def _given(part: BaseModel) -> Json:
    return part.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _versions(services: Services, document: Any) -> Json:
    references = map(Reference.of, filter(is_child_workflow, named_tasks(document)))
    names = {reference.workflow_id for reference in references}
    return {name: sorted(services.definitions.version_names(name)) for name in sorted(names)[:MAX_REFERRED]}


def _sent(services: Services, *documents: Any) -> Json:
    names = {name for document in documents for name in named_tasks(document)}
    wanted = [name for name in names - BUILTINS if _TASK_ID.fullmatch(name)]
    stored = {task.task_id: task.document for task in services.tasks.named(wanted)} if wanted else {}
    return sent(Catalogue(), stored, names, services.tasks.ids)


def _checked(document: Any, found: Json) -> Checked:
    return Checked(found["valid"], tuple(Diagnostic(**each) for each in found["diagnostics"]), document)


def _refused(document: Any, error: LimitExceeded) -> Checked:
    return Checked(False, too_much(error.message).diagnostics, document)
