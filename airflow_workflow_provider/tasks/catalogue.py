"""The catalog: which task definition a ``taskId`` names (rule K1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.tasks.builtin import BUILTINS, builtin, builtin_task
from airflow_workflow_provider.tasks.registry import REGISTRY, Registry

if TYPE_CHECKING:
    from airflow_workflow_provider.model.task import TaskDefinition


class Catalogue:
    """Task definitions in three layers: built-in, then registered from Python, then given; a later layer wins.

    A built-in name always means the built-in.

    :param tasks: definitions from the table or from files, by task id
    :param registry: the Python tasks, by default those of this process
    """

    def __init__(self, tasks: Mapping[str, TaskDefinition] | None = None, *, registry: Registry | None = None) -> None:
        self._tasks = dict(tasks or {})
        self._registry = REGISTRY if registry is None else registry

    def get(self, task_id: str) -> TaskDefinition | None:
        """Return the definition that ``task_id`` names, or nothing."""
        if task_id in BUILTINS:
            return builtin_task(task_id)
        given = self._tasks.get(task_id)
        if given is not None:
            return given
        registered = self._registry.get(task_id)
        return registered.definition if registered else None

    def ids(self) -> frozenset[str]:
        """Return every task id that names something."""
        return BUILTINS | self._tasks.keys() | {task.definition.task_id for task in self._registry}

    def argument_schema(self, task_id: str) -> dict[str, Any] | None:
        """Return the JSON Schema of what a step's ``arguments`` may be, if the task is, or is made from, a built-in.

        What the task definition's own arguments give need not be given again.
        """
        task = self.get(task_id)
        if task is None or task.operator not in BUILTINS:
            return None
        schema = dict(builtin(task.operator).schema)
        given = set(task.arguments)
        if not given:
            return schema
        # a step's arguments override the task's key by key, so a rule about several keys holds for both together only
        schema.pop("oneOf", None)
        schema.pop("not", None)
        schema["required"] = [key for key in schema.get("required", ()) if key not in given]
        return schema

    def with_tasks(self, tasks: Mapping[str, TaskDefinition] | Iterable[TaskDefinition]) -> Catalogue:
        """Return a catalogue that also has these tasks, which win over the given ones of the same id."""
        more = tasks if isinstance(tasks, Mapping) else {task.task_id: task for task in tasks}
        return Catalogue({**self._tasks, **more}, registry=self._registry)

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each package whose Python tasks could not be loaded."""
        return self._registry.problems
