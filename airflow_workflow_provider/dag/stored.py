"""What a stored definition needs to become a DAG: itself, and the task definitions that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_workflow_provider.store.definitions import StoredDefinition
    from airflow_workflow_provider.store.tasks import StoredTask


@dataclass(frozen=True)
class Resolved:
    """A definition with its tasks, as they were at one time.

    :param revision: the newest revision among them; at this revision all of them can be found again
    """

    workflow_id: str
    document: dict[str, Any]
    tasks: tuple[dict[str, Any], ...]
    revision: int


def resolve(definitions: Iterable[StoredDefinition], tasks: Iterable[StoredTask]) -> Iterator[Resolved]:
    """Yield each definition with the tasks that it names; what is in no table is left to the DAG to find."""
    known = {task.task_id: task for task in tasks}
    for definition in definitions:
        named = [known[name] for name in sorted(named_tasks(definition.document)) if name in known]
        revision = max([definition.revision, *(task.revision for task in named)])
        yield Resolved(definition.workflow_id, definition.document, tuple(task.document for task in named), revision)


def named_tasks(document: Any) -> set[str]:
    """Return every ``taskId`` in a document, well-formed or not."""
    found: set[str] = set()
    todo = [document]
    while todo:
        part = todo.pop()
        if isinstance(part, Mapping):
            if isinstance(part.get("taskId"), str):
                found.add(part["taskId"])
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return found
