"""The definition of a built-in task, and how the catalog, the simulation and the operators find one (rule K3).

Each is a module of :mod:`airflow_workflow_provider.tasks.builtins`: its name, how its arguments are checked, what a
simulation does for it, and its operator. Everything else derives from there. ``docs/tasks.md`` describes the tasks for
authors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from airflow_workflow_provider.errors import Misuse, StepFailure
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.model.json_schema.validation import schema_findings
from airflow_workflow_provider.model.task import BUILTIN_TASKS, TaskDefinition
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.errors import WorkflowsError
    from airflow_workflow_provider.model.events import CloudEvent
    from airflow_workflow_provider.model.scenario import GivenAnswer

Arguments = Mapping[str, Any]

BUILTINS: Final = BUILTIN_TASKS
"""The names of the built-in tasks."""


class Connection(Protocol):
    """An Airflow connection."""

    @property
    def host(self) -> str | None:
        """Its host."""

    @property
    def port(self) -> int | None:
        """Its port."""

    @property
    def login(self) -> str | None:
        """The user name."""

    @property
    def password(self) -> str | None:
        """The password."""

    @property
    def extra(self) -> Mapping[str, Any]:
        """Its extra fields."""


def _no_connection(conn_id: str) -> Connection:
    message = f"There is no connection {conn_id!r} outside Airflow"
    raise Misuse(message)


@dataclass(frozen=True)
class Surroundings:
    """What a task may use that runs as a function.

    :param now: the present, with a time zone
    :param connection: returns an Airflow connection that the task may use
    """

    now: datetime
    connection: Callable[[str], Connection] = _no_connection


class Outside(Protocol):
    """What reaches one simulated call from outside of its instance."""

    def event(
        self, pattern: str, correlation: Mapping[str, Any], until: datetime | None
    ) -> tuple[datetime, CloudEvent] | None:
        """Return the event that a step receives, and when; None where none comes in time (rule E5)."""

    def answer(self, until: datetime | None) -> tuple[datetime, GivenAnswer] | None:
        """Return the next answer to the question of a step, and when it is given; None where none comes in time."""

    def refused(self, error: WorkflowsError) -> None:
        """Note that an answer is invalid."""


class Nothing:
    """Outside of an instance that nothing reaches."""

    def event(self, *_: object) -> None:
        """Return that no event comes."""

    def answer(self, *_: object) -> None:
        """Return that nobody answers."""

    def refused(self, *_: object) -> None:
        """Pass over an invalid answer; there is none."""


@dataclass(frozen=True)
class SimulatedCall:
    """What a task knows of a call that is simulated.

    :param now: virtual time
    :param deadline: when the attempt fails with a TimeoutError, None for never
    :param about: gives ``workflow`` as templates see it
    :param outside: the events and answers that come
    """

    now: datetime
    deadline: datetime | None
    about: Callable[[], Mapping[str, Any]]
    outside: Outside = field(default_factory=Nothing)

    def past_its_deadline(self) -> Outcome | None:
        """Return the outcome of waiting for what never happens; None where nothing would end it."""
        return None if self.deadline is None else Outcome(ends_at=self.deadline + timedelta(seconds=1))


@dataclass(frozen=True)
class Builtin:
    """A built-in task.

    :param id: its ``taskId``, and the name of its module
    :param title: what it is called
    :param summary: what it does, in one sentence
    :param schema: JSON Schema (draft 2020-12) of its arguments
    :param run: does it, where a function can; it gets arguments that fit the schema
    :param pure: whether ``run`` touches nothing outside, so that a simulation does it too
    :param simulate: what a simulation without a mock does instead, from arguments and call; what it does not do
        returns None: the simulation then warns, and the output is ``{}``
    :param operator: dotted path of the Airflow operator, where ``run`` does not do it
    :param asks_people: whether it asks people and waits for their answer
    """

    id: str
    title: str
    summary: str
    schema: dict[str, Any]
    run: Callable[[Arguments, Surroundings], Any] | None = None
    pure: bool = False
    simulate: Callable[[Arguments, SimulatedCall], Outcome | None] | None = None
    operator: str | None = None
    asks_people: bool = False

    def simulated(self, arguments: Callable[[], Arguments], call: SimulatedCall) -> Outcome | None:
        """Return what a simulation without a mock does, or None where it cannot do the task.

        :param arguments: gives the arguments; not asked where it cannot
        :raises StepFailure: the task fails
        """
        if self.simulate is not None:
            return self.simulate(arguments(), call)
        return Outcome(output=run_pure(self.id, arguments(), call.now)) if self.pure else None


@cache
def builtin(name: str) -> Builtin:
    """Return a built-in task.

    :param name: one of :data:`BUILTINS`
    :raises KeyError: there is no such built-in
    """
    if name not in BUILTINS:
        raise KeyError(name)
    found: Builtin = import_module(f"airflow_workflow_provider.tasks.builtins.{name}").TASK
    return found


@cache
def builtin_task(task_id: str) -> TaskDefinition:
    """Return the task definition behind a built-in name.

    :param task_id: one of :data:`BUILTINS`
    :raises KeyError: there is no such built-in
    """
    found = builtin(task_id)
    return TaskDefinition(task_id=found.id, name=found.title, description=found.summary, operator=found.id)


def asks_people(operator: str) -> bool:
    """Return whether the operator of a task definition is a built-in that asks people."""
    return operator in BUILTINS and builtin(operator).asks_people


def check_arguments(task_id: str, arguments: Arguments) -> None:
    """Check a built-in's arguments as they are when it runs, all transforms evaluated.

    :param task_id: one of :data:`BUILTINS`
    :param arguments: what the task is about to get
    :raises StepFailure: of type ``ValidationError``, with every finding in ``details.errors``
    """
    findings = schema_findings(builtin(task_id).schema, dict(arguments))
    if not findings:
        return
    first = findings[0]
    where = f" at {first['pointer']}" if first["pointer"] else ""
    message = f"The arguments of task {task_id!r} are invalid{where}: {first['message']}"
    raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, details={"errors": findings})


def run_pure(task_id: str, arguments: Arguments, now: datetime) -> Any:
    """Run a built-in that touches nothing outside, and return its raw result.

    :param task_id: a built-in with ``pure``
    :param arguments: its arguments, all transforms evaluated
    :param now: the present, with a time zone
    :raises StepFailure: what ``fail`` was asked for, or ``ValidationError`` for bad arguments
    """
    found = builtin(task_id)
    if found.run is None or not found.pure:
        message = f"Task {task_id!r} cannot run without Airflow"
        raise Misuse(message)
    check_arguments(task_id, arguments)
    return found.run(arguments, Surroundings(now))
