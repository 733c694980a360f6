"""References to other workflows: ``workflow:<workflowId>``, or ``workflow:<workflowId>@<version>`` (rule P5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition


PREFIX: Final = "workflow:"
"""A ``taskId`` that begins so runs another workflow."""


def is_child_workflow(task_id: str) -> bool:
    """Return whether a ``taskId`` names another workflow."""
    return task_id.startswith(PREFIX)


def too_deep(workflow_id: str, depth: int, limit: int) -> str | None:
    """Return why a workflow may not run within so many others, or None where it may (rule P5).

    :param depth: how many workflows are around it
    """
    if depth <= limit:
        return None
    return f"Workflow {workflow_id!r} would run at depth {depth}; workflows nest at most {limit} deep"


@dataclass(frozen=True)
class Reference:
    """What a step's ``taskId`` says of the workflow that it runs.

    :param version: the version that it is pinned to; null for the current one
    """

    workflow_id: str
    version: str | None = None

    @classmethod
    def of(cls, task_id: str) -> Reference:
        """Return the reference in a ``taskId`` that begins with :data:`PREFIX`."""
        name, at, version = task_id.removeprefix(PREFIX).partition("@")
        return cls(name, version if at else None)

    def __str__(self) -> str:
        return self.workflow_id if self.version is None else f"{self.workflow_id}@{self.version}"


def by_reference(definitions: Iterable[WorkflowDefinition]) -> dict[str, WorkflowDefinition]:
    """Return definitions by all that can refer to them: each version, and without one the newest by order of versions.

    Of two that differ in nothing of that order the later one counts.
    """
    found: dict[str, WorkflowDefinition] = {}
    for each in definitions:
        found[str(Reference(each.workflow_id, each.version))] = each
        newest = found.get(each.workflow_id)
        if newest is None or _order(each.version) >= _order(newest.version):
            found[each.workflow_id] = each
    return found


def referred(workflows: Mapping[str, WorkflowDefinition], task_id: str) -> WorkflowDefinition | None:
    """Return the definition that a ``taskId`` refers to, if it is among some.

    :param workflows: by reference, see :func:`by_reference`
    """
    reference = Reference.of(task_id)
    found = workflows.get(str(reference)) or workflows.get(reference.workflow_id)
    return found if found is not None and reference.version in (None, found.version) else None


def _order(version: str) -> Any:
    from semver import Version

    return Version.parse(version)
