"""Which steps of one task run beside each other, in threads: those that mostly wait for something outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.hosts.threads import Threads, Work
from airflow_workflow_provider.model.templates import is_template
from airflow_workflow_provider.operators.reach import require_connection
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.registry import REGISTRY

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.hosts.ending import Ended, Parked
    from airflow_workflow_provider.model.definition import Step


class ThreadRule:
    """Decides which steps of a workflow may run in a thread.

    A thread cannot be interrupted, so each of them ends by limits of its own: ``http`` and, on PostgreSQL, ``sql`` by
    those of the configuration, a Python function that is marked as safe by those that its author gave it. Airflow's own
    operators may rely on signals and on what belongs to the process, so they do not.

    :param older: whether the version was published before versions recorded their grants
    """

    def __init__(self, graph: Graph, *, older: bool) -> None:
        self._graph = graph
        self._older = older
        self._known: dict[str, bool] = {}

    def takes(self, step: Step) -> bool:
        """Return whether the task of a step may run in a thread."""
        if step.step_id not in self._known:
            self._known[step.step_id] = self._is_taken(step)
        return self._known[step.step_id]

    def _is_taken(self, step: Step) -> bool:
        # Which task is selected is known only once the attempt has begun.
        task = self._graph.task_of(step)
        if task is None:
            return False
        arguments = {**task.arguments, **(step.arguments or {})}
        if task.operator == "sql":
            return self._is_postgres(arguments.get("connection"))
        if task.operator == "python":
            found = arguments.get("callable")
            registered = REGISTRY.get(found) if isinstance(found, str) else None
            return registered is not None and registered.is_thread_safe
        return task.operator == "http"

    def _is_postgres(self, conn_id: object) -> bool:
        """Return whether a statement has a limit of time that is no signal."""
        if not isinstance(conn_id, str) or is_template(conn_id):
            return False
        try:
            fields = require_connection("sql", conn_id, older=self._older)
        except StepFailure:
            return False
        return fields.conn_type.startswith("postgres") and not fields.extra.get("iam")


def threads(graph: Graph, prepare: Callable[[Call], Work | Ended | Parked], *, older: bool) -> Threads | None:
    """Return what runs steps beside each other; None where the configuration has them run one after the other.

    :param prepare: makes a call ready in the main thread
    :param older: whether the version was published before versions recorded their grants
    """
    limit = load_settings().concurrent_steps
    return Threads(ThreadRule(graph, older=older).takes, prepare, limit) if limit > 1 else None
