"""What a stored definition needs to become a DAG: itself, and the task definitions that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.graph import DAG_SHAPE, Graph
from airflow_workflow_provider.errors import InvalidDefinition, NotFound
from airflow_workflow_provider.model.task import BUILTIN_TASKS
from airflow_workflow_provider.model.validate import parse_definition, parse_task
from airflow_workflow_provider.store.publications import unreadable_definition
from airflow_workflow_provider.tasks.calls import tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.task import TaskDefinition
    from airflow_workflow_provider.store.definitions import Definitions, StoredDefinition
    from airflow_workflow_provider.store.tasks import StoredTask, Tasks


@dataclass(frozen=True)
class Resolved:
    """A definition with its tasks, as they were at one time.

    :param revision: the newest revision among them; at this revision all of them can be found again
    :param grants: what the publisher was allowed, as it is stored
    :param dag_shape: the shape of its DAG, see :data:`~airflow_workflow_provider.engine.graph.DAG_SHAPE`
    :param since: since when its schedules count, as ISO 8601; None while it has none that start it
    """

    workflow_id: str
    document: Json
    tasks: tuple[Json, ...]
    revision: int
    grants: Json | None = None
    dag_shape: int = DAG_SHAPE
    since: tuple[str, ...] | None = None


def resolve(
    definitions: Iterable[StoredDefinition],
    tasks: Iterable[StoredTask],
    schedules: Mapping[int, tuple[str, ...]] | None = None,
) -> Iterator[Resolved]:
    """Yield each definition with the tasks that it names; what is in no table is left to the DAG to find.

    :param schedules: since when the schedules of definitions count, by revision; by default none starts anything
    """
    since = schedules or {}
    known = {task.task_id: task for task in tasks}
    for definition in definitions:
        named = [known[name] for name in sorted(named_tasks(definition.document)) if name in known]
        revision = max([definition.revision, *(task.revision for task in named)])
        documents = tuple(task.document for task in named)
        yield Resolved(
            definition.workflow_id,
            _with_execution(definition),
            documents,
            revision,
            definition.grants,
            definition.dag_shape,
            since.get(definition.revision),
        )


def _with_execution(definition: StoredDefinition) -> Json:
    """Return a document that says how its steps run: as it was configured when the version was published (rule T8)."""
    document: object = definition.document
    if definition.execution != "inline" or not isinstance(document, dict):
        # A row changed manually may hold anything; what builds its DAG says so.
        return definition.document
    settings = document.get("settings") or {}
    if not isinstance(settings, dict) or settings.get("execution") is not None:
        return document
    return {**document, "settings": {**settings, "execution": definition.execution}}


def stored_at(
    definitions: Definitions, tasks: Tasks, workflow_id: str, revision: int
) -> tuple[tuple[StoredDefinition, ...], tuple[StoredTask, ...]]:
    """Return a workflow as it was at a revision with the tasks that it names, for :func:`resolve`; nothing for none."""
    found = definitions.at_revision(revision, workflow_id)
    named = {name for each in found for name in named_tasks(each.document)} - BUILTIN_TASKS
    return found, tasks.at_revision(revision, named) if named else ()


def graph_at(definitions: Definitions, tasks: Tasks, workflow_id: str, revision: int) -> Graph:
    """Return the graph of a workflow as it was at a revision, for those who look at its instances from outside.

    :raises NotFound: there was no such workflow
    """
    found = resolved_at(definitions, tasks, workflow_id, revision)
    definition = stored_definition(found.document, workflow_id, revision)
    known = {task.task_id: task for task in (_stored_task(each, revision) for each in found.tasks)}
    return Graph.of(definition, tasks_of(definition, Catalogue(known)), dag_shape=found.dag_shape)


def resolve_version(definitions: Definitions, tasks: Tasks, workflow_id: str, version: str) -> Resolved:
    """Return a published version of a workflow with its tasks as they were when it last was the newest.

    :raises NotFound: there is no such workflow or version; the suggestion names the versions there are
    """
    revision = definitions.last_revision(workflow_id, version)
    return resolved_at(definitions, tasks, workflow_id, revision)


def resolved_at(definitions: Definitions, tasks: Tasks, workflow_id: str, revision: int) -> Resolved:
    """Return a workflow with its tasks as they were at a revision.

    :raises NotFound: there was no such workflow
    """
    for found in resolve(*stored_at(definitions, tasks, workflow_id, revision)):
        return found
    message = f"There is no workflow {workflow_id!r} at revision {revision}"
    raise NotFound(message, pointer=workflow_id)


def stored_definition(document: JsonValue, workflow_id: str, revision: int) -> WorkflowDefinition:
    """Return a definition from its stored document.

    :raises Conflict: ``stored-definition-unreadable``: somebody has changed the document manually
    """
    try:
        return parse_definition(document, checked=False)
    except InvalidDefinition as error:
        what = f"workflow {workflow_id!r} at revision {revision}"
        raise unreadable_definition(what, error.message) from error


def _stored_task(document: JsonValue, revision: int) -> TaskDefinition:
    try:
        return parse_task(document, checked=False)
    except InvalidDefinition as error:
        what = f"a task that it names, at revision {revision},"
        raise unreadable_definition(what, error.message) from error


def named_tasks(document: JsonValue) -> set[str]:
    """Return every ``taskId`` in a document, well-formed or not."""
    found: set[str] = set()
    todo = [document]
    while todo:
        part = todo.pop()
        if isinstance(part, Mapping):
            name = part.get("taskId")
            names = name.get("oneOf") if isinstance(name, Mapping) else [name]
            found |= {each for each in names if isinstance(each, str)} if isinstance(names, list) else set()
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return found
