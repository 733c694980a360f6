"""Tasks written in Python: the ``@workflow_task`` decorator and its registry.

A package offers its tasks by an entry point of the group ``airflow_workflow_provider.tasks`` that names a module
(importing it registers its tasks), or a function without parameters that imports what is needed::

    [project.entry-points."airflow_workflow_provider.tasks"]
    billing = "billing.workflow_tasks"
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.model.references import is_child_workflow
from airflow_workflow_provider.tasks.builtin import BUILTINS
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from airflow_workflow_provider.model.task import TaskDefinition

log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "airflow_workflow_provider.tasks"

_THREAD_SAFE: Final = "workflow_thread_safe"

TaskFunction = Callable[..., Any]
F = TypeVar("F", bound=TaskFunction)


@dataclass(frozen=True)
class StepContext:
    """The context of a Python task: the step for which it runs.

    :param instance_id: UUID of the workflow instance
    :param step_id: the step
    :param visit: how many times the step was activated in this instance, this time included
    :param attempt: number of this attempt of the visit, from 1
    :param idempotency_key: the same for every attempt of this visit; pass it to services that detect repeated requests
    :param correlation_id: business identifier of the instance, if it has one
    :param workflow_id: the workflow
    :param workflow_version: version of the definition that the instance keeps
    :param item_index: position of the item in a ``forEach``, else null
    """

    instance_id: str
    step_id: str
    visit: int = 1
    attempt: int = 1
    idempotency_key: str = ""
    correlation_id: str | None = None
    workflow_id: str = ""
    workflow_version: str = ""
    item_index: int | None = None


@dataclass(frozen=True)
class RegisteredTask:
    """A Python function and the task definition that calls it."""

    definition: TaskDefinition
    function: TaskFunction = field(compare=False)

    @property
    def is_thread_safe(self) -> bool:
        """Whether it may run in a thread, beside others."""
        return getattr(self.function, _THREAD_SAFE, False) is True

    @property
    def origin(self) -> str:
        """Where the function is defined, as ``module.function``."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def call(self, step_input: Mapping[str, Any], context: StepContext) -> Any:
        """Call the function, with the context if it has a parameter of that name."""
        if _wants_context(self.function):
            return self.function(dict(step_input), context=context)
        return self.function(dict(step_input))


class Registry:
    """The Python tasks that are known in this process."""

    def __init__(self, group: str | None = ENTRY_POINT_GROUP) -> None:
        self._tasks: dict[str, RegisteredTask] = {}
        self._problems: list[str] = []
        self._group = group
        self._loaded = group is None
        self._lock = threading.RLock()

    def add(self, task: RegisteredTask) -> None:
        """Register a task; the same function may be registered again, as when its module is reloaded.

        :raises Conflict: the id is a built-in's, or another function has it
        """
        task_id = task.definition.task_id
        if task_id in BUILTINS or is_child_workflow(task_id):
            message = f"Task id {task_id!r} of {task.origin} belongs to a built-in task"
            raise Conflict(message, code=ProblemCode.TASK_ID_RESERVED, suggestion="Choose another id")
        with self._lock:
            known = self._tasks.get(task_id)
            if known is not None and known.origin != task.origin:
                message = f"Task id {task_id!r} is registered twice: by {known.origin} and by {task.origin}"
                raise Conflict(message, code=ProblemCode.DUPLICATE_TASK_ID, suggestion="Give one of them another id")
            self._tasks[task_id] = task

    def load(self) -> None:
        """Load the entry points, once; one that fails is in :attr:`problems` and does not affect the others."""
        with self._lock:
            if self._loaded:
                return
            self._loaded = True
            for entry_point in _entry_points(self._group or ""):
                self._load_one(entry_point)

    def _load_one(self, entry_point: EntryPoint) -> None:
        try:
            loaded = entry_point.load()
            if not inspect.ismodule(loaded) and not self._is_task(loaded):
                loaded()
        except Exception as error:  # third-party code: whatever it raises affects its own tasks only
            problem = f"Entry point {entry_point.name!r} ({entry_point.value}) cannot be loaded: {error}"
            log.warning("%s", problem)
            self._problems.append(problem)

    def _is_task(self, loaded: object) -> bool:
        return any(task.function is loaded for task in self._tasks.values())

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each entry point that could not be loaded."""
        self.load()
        return tuple(self._problems)

    def get(self, task_id: str) -> RegisteredTask | None:
        """Return the task registered under this id, if there is one."""
        self.load()
        return self._tasks.get(task_id)

    def find(self, task_id: str) -> RegisteredTask:
        """Return the task registered under this id.

        :raises NotFound: there is none; the message lists the registered tasks
        """
        task = self.get(task_id)
        if task is None:
            broken = f"; {'; '.join(self._problems)}" if self._problems else ""
            message = f"No Python task {task_id!r} is registered; registered tasks are {sorted(self._tasks)}{broken}"
            raise NotFound(message, code=ProblemCode.TASK_NOT_FOUND)
        return task

    def __iter__(self) -> Iterator[RegisteredTask]:
        self.load()
        return iter(tuple(self._tasks.values()))


REGISTRY = Registry()
"""The registry that the decorator fills."""


def workflow_task(
    task_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    input_schema: Mapping[str, Any] | None = None,
    output_schema: Mapping[str, Any] | None = None,
    retry_policy: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    timeout: str | None = None,
    registry: Registry | None = None,
) -> Callable[[F], F]:
    """Make a function a task that workflows can name by ``taskId`` (rule K1).

    The function gets the step's input as a dictionary, and the :class:`StepContext` if it has a parameter ``context``.
    It returns something that JSON can hold, and raises :class:`~airflow_workflow_provider.errors.TaskError` to choose
    the error that definitions match::

        @workflow_task("billing.charge", retry_policy={"maxAttempts": 3, "delay": "PT10S"})
        def charge(order: dict, *, context: StepContext) -> dict:
            return gateway.charge(order["amount"], key=context.idempotency_key)

    :param task_id: the ``taskId`` by which steps name it
    :param name: name for people, the task id if absent
    :param description: more for people, the function's docstring if absent
    :param input_schema: JSON Schema of the step's input
    :param output_schema: JSON Schema of the result
    :param retry_policy: default retry policy, as in a definition (``maxAttempts``, ``delay``, …)
    :param timeout: default time limit of one attempt, ISO 8601
    :param registry: where to register, for tests
    :raises Conflict: another function or a built-in has the id
    """

    def register(function: F) -> F:
        described = description if description is not None else inspect.getdoc(function) or ""
        document: dict[str, Any] = {
            "taskId": task_id,
            "name": name or task_id,
            "description": described,
            "operator": "python",
            "arguments": {"callable": task_id, "input": "{{ workflow.step_input }}"},
            "inputSchema": dict(input_schema or {}),
            "outputSchema": dict(output_schema or {}),
        }
        definition = _definition(document, retry_policy, timeout)
        (REGISTRY if registry is None else registry).add(RegisteredTask(definition, function))
        return function

    return register


def _definition(
    document: dict[str, Any], retry_policy: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None, timeout: str | None
) -> TaskDefinition:
    """Return the definition of a document, with the defaults that are given."""
    from airflow_workflow_provider.model.task import TaskDefinition

    if retry_policy is not None:
        document["retryPolicy"] = retry_policy if isinstance(retry_policy, Mapping) else list(retry_policy)
    if timeout is not None:
        document["timeout"] = timeout
    return TaskDefinition.model_validate(document)


def thread_safe(function: F) -> F:
    """Mark the function of a task as one that may run in a thread; beside :func:`workflow_task`, in any order.

    Where one Airflow task runs several branches or items, the function then runs beside others. Mark one that mostly
    waits, for a service for example, and that ends by limits of its own: a thread cannot be interrupted::

        @workflow_task("billing.charge")
        @thread_safe
        def charge(order: dict) -> dict:
            return gateway.charge(order["amount"], timeout=30)
    """
    setattr(function, _THREAD_SAFE, True)
    return function


def _wants_context(function: TaskFunction) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "context" or p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def _entry_points(group: str) -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=group), key=lambda entry_point: (entry_point.name, entry_point.value))
