"""Which operation is possible when (rule I5): one table for every interface, for checks in advance, and for buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from airflow_workflow_provider.engine import recovery
from airflow_workflow_provider.engine.completion import owed
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Machine

Operation = Literal["suspend", "resume", "cancel", "retry", "restart", "skip", "compensate", "migrate"]
OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)

Situation = Literal["running", "asking", "suspended", "completed", "failed", "cancelled"]
"""A status, in more detail where that matters to an operation: ``asking`` is suspended because only people are waited
for, ``suspended`` by a user, ``cancelled`` failed by a cancellation."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on an operation in the present situation.

    :param outcome: ``do``; ``unchanged``, it is so already; ``refused``
    :param code: of the refusal
    :param detail: why it is refused, in a sentence
    :param suggestion: what to do instead
    """

    outcome: Literal["do", "unchanged", "refused"]
    code: str | None = None
    detail: str | None = None
    suggestion: str | None = None


DO: Final = Verdict("do")
UNCHANGED: Final = Verdict("unchanged")
OVER: Final = Verdict("refused", "instance-over", "The instance has already ended")
NOT_FAILED: Final = Verdict("refused", "not-failed", "The instance has not failed")
LIVE: Final = Verdict("refused", "instance-live", "The instance has not ended", "cancel it first")
COMPENSATED: Final = Verdict(
    "refused", "compensated", "Compensations have undone what its steps had done", "restart it from the start"
)
NOTHING_TO_RETRY: Final = Verdict(
    "refused", "nothing-to-retry", "No step of the instance failed or was stopped", "restart it from the start"
)
NO_COMPENSATION: Final = Verdict(
    "refused",
    "no-compensation",
    "The workflow's onFailure does not compensate",
    "cancel it without compensation",
)
ALREADY_FAILING: Final = Verdict(
    "refused", "already-failing", "The workflow's onFailure is already running", "cancel it without compensation"
)
NOTHING_OWED: Final = Verdict(
    "refused",
    "nothing-owed",
    "There is nothing to compensate: the workflow's onFailure does not compensate, or that was done",
)

TABLE: Final[dict[Operation, dict[Situation, Verdict]]] = {
    "suspend": {
        "running": DO, "asking": DO, "suspended": UNCHANGED, "completed": OVER, "failed": OVER, "cancelled": OVER,
    },
    "resume": {
        "running": UNCHANGED, "asking": UNCHANGED, "suspended": DO, "completed": OVER, "failed": OVER,
        "cancelled": OVER,
    },
    "cancel": {
        "running": DO, "asking": DO, "suspended": DO, "completed": OVER, "failed": OVER, "cancelled": UNCHANGED,
    },
    "retry": {
        "running": NOT_FAILED, "asking": NOT_FAILED, "suspended": NOT_FAILED, "completed": NOT_FAILED, "failed": DO,
        "cancelled": DO,
    },
    "restart": {
        "running": LIVE, "asking": LIVE, "suspended": LIVE, "completed": DO, "failed": DO, "cancelled": DO,
    },
    "skip": {
        "running": NOT_FAILED, "asking": NOT_FAILED, "suspended": NOT_FAILED, "completed": NOT_FAILED, "failed": DO,
        "cancelled": DO,
    },
    "compensate": {
        "running": NOT_FAILED, "asking": NOT_FAILED, "suspended": NOT_FAILED, "completed": NOT_FAILED, "failed": DO,
        "cancelled": DO,
    },
    "migrate": {
        "running": DO, "asking": DO, "suspended": DO, "completed": OVER, "failed": OVER, "cancelled": OVER,
    },
}  # fmt: skip
"""What each operation does in each situation, before it looks at the details."""


def situation(machine: Machine) -> Situation:
    """Return the situation of an instance."""
    if machine.status == "completed":
        return "completed"
    if machine.status == "failed":
        return "cancelled" if (machine.state.error or {}).get("type") == ErrorType.CANCELLED else "failed"
    if machine.is_suspended:
        return "suspended"
    return "asking" if machine.status == "suspended" else "running"


def verdict(machine: Machine, operation: Operation, *, compensate: bool = False) -> Verdict:
    """Return what an operation would do now.

    :param compensate: for ``cancel``: whether compensations are to run
    """
    found = TABLE[operation][situation(machine)]
    if found.outcome != "do":
        return found
    if operation == "cancel":
        return _cancelling(machine, compensate=compensate)
    if operation == "compensate" and not owed(machine.graph, machine.state):
        return NOTHING_OWED
    if operation in ("retry", "skip"):
        if recovery.is_compensated(machine):
            return COMPENSATED
        if not recovery.stopped_at(machine, failed_only=operation == "skip"):
            return NOTHING_TO_RETRY
    return found


def possible(machine: Machine) -> list[Operation]:
    """Return the operations that would do something now."""
    return [operation for operation in OPERATIONS if verdict(machine, operation).outcome == "do"]


def _cancelling(machine: Machine, *, compensate: bool) -> Verdict:
    handled = machine.state.failure
    if handled is not None and handled.cancelled:
        return UNCHANGED
    if not compensate:
        return DO
    handler = machine.graph.definition.on_failure
    if handler is None or not handler.compensate:
        return NO_COMPENSATION
    return DO if handled is None else ALREADY_FAILING
