"""The data that the machine and its hosts exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from airflow_workflow_provider.engine.keys import item_indexes
from airflow_workflow_provider.engine.phases import Kind
from airflow_workflow_provider.model.definition import RetryPolicy

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.step_records import StepRecord

# Made without validation, for which pydantic would compile its schema in every process that starts.
DEFAULT_RETRY: Final = RetryPolicy.model_construct(max_attempts=3, strategy="exponential", delay="PT1S")


@dataclass(frozen=True)
class Options:
    """Bounds and defaults that the configuration sets.

    :param max_output_bytes: largest output that is kept, as UTF-8 (rule X5)
    :param default_retry: policy of ``onFailure.action: retry`` where a step has none (rule F4)
    """

    max_output_bytes: int = 262_144
    default_retry: RetryPolicy = DEFAULT_RETRY


@dataclass(frozen=True)
class ActivationRef:
    """Names a live activation, so that a host can come back to it in another turn.

    :param scope: key of the step list that it runs in
    :param step_id: the step
    :param visit: number of this visit, 1 the first
    :param kind: ``step`` or ``compensation``
    :param attempt: number of the attempt that is live; 0 where that does not matter
    """

    scope: str
    step_id: str
    visit: int
    kind: str = Kind.STEP
    attempt: int = 0

    @classmethod
    def of(cls, key: str, current: Activation) -> Self:
        """Return the name of what is live in a step list."""
        return cls(key, current.step_id, current.visit, current.kind, current.attempt)


@dataclass(frozen=True)
class Call:
    """What a host needs to run one attempt of a task.

    :param task_id: the task to run
    :param input: what the task receives (rule X4)
    :param arguments: the step's ``arguments`` with their transforms resolved (rule K3)
    :param bindings: the bindings of rule X1, for the templates of the task definition
    :param idempotency_key: the same for every attempt of this visit
    :param deadline: when the attempt is to fail with a TimeoutError, None for never
    :param began: when the attempt began
    """

    scope: str
    step_id: str
    kind: str
    task_id: str
    visit: int
    attempt: int
    input: JsonValue
    arguments: Json
    bindings: Json = field(repr=False)
    idempotency_key: str
    deadline: datetime | None
    began: datetime


@dataclass(frozen=True)
class Decision:
    """The decision after an outcome.

    :param status: ``completed`` or ``failed`` where the step ended; ``retry`` where another attempt follows;
        ``region`` where branches or items now run; ``ignored`` where the report came from no live attempt
    :param next: where the path goes after a step that ended: a step, ``end``, ``fail``, :data:`ON_FAILURE`, or None
        where the failure is not handled by this step list
    :param delay: time until the next attempt
    :param error: the error object of the failure
    """

    status: str
    next: str | None = None
    delay: timedelta | None = None
    error: Json | None = None


@dataclass(frozen=True)
class Begun:
    """The answer to a host that wants to start a step.

    :param action: ``run`` a new attempt; ``resume`` the attempt it already runs; ``decided``: do nothing but what
        the decision says, the outcome is stored already; ``skip``: no decision activated this step; ``hold``: it may
        begin when the instance is not suspended any more (rule I3)
    """

    action: str
    decision: Decision | None = None


def visit_name(key: str, visit: int) -> str:
    """Return a visit's number, with the numbers of the items around it behind it."""
    indexes = item_indexes(key)
    return f"{visit}/{'.'.join(map(str, indexes))}" if indexes else str(visit)


def decided(record: StepRecord) -> Decision:
    """Return the decision that a stored record of a step contains."""
    if not record.is_finished:
        return Decision("region")
    return Decision(record.status.value, next=record.next, error=record.error)
