"""Statuses and phases: every value that they take, and every change of phase that there is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class InstanceStatus(StrEnum):
    """Status of an instance (rule I1)."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    FAILED = "failed"


ENDED: Final = frozenset({InstanceStatus.COMPLETED, InstanceStatus.FAILED})
"""The statuses of an instance that has ended."""


class ListStatus(StrEnum):
    """Status of a step list that was started."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """Status of the latest visit of a step (rule X1)."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


UNFINISHED: Final = frozenset({StepStatus.RUNNING, StepStatus.WAITING})
"""The statuses of a visit that has not ended."""


class Kind(StrEnum):
    """The kind of an activation: a step's task or its compensation."""

    STEP = "step"
    COMPENSATION = "compensation"


class Phase(StrEnum):
    """The phase of a live activation; see :data:`PHASES`."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    RETRYING = "retrying"
    REGION = "region"


class Trigger(StrEnum):
    """The triggers that change the phase of an activation."""

    BEGIN = "begin"
    """A host begins an attempt."""
    PARK = "park"
    """The attempt waits for something outside and holds no worker."""
    RESUME = "resume"
    """The attempt runs again after it has waited."""
    FORK = "fork"
    """Its own task is done; its branches or items run."""
    RETRY = "retry"
    """The attempt failed; another one is due later."""
    TAKE_OVER = "take over"
    """A person ends the step in place of its task."""
    REOPEN = "reopen"
    """A step inside the region runs again after the region had ended."""


_ANY_PHASE: Final = dict.fromkeys(Phase, Phase.RUNNING)

PHASES: Final[Mapping[Trigger, Mapping[Phase, Phase]]] = {
    # An operator may clear a task whose attempt runs or waits; a new attempt then takes its place.
    Trigger.BEGIN: {
        Phase.PENDING: Phase.RUNNING,
        Phase.RETRYING: Phase.RUNNING,
        Phase.RUNNING: Phase.RUNNING,
        Phase.WAITING: Phase.RUNNING,
    },
    Trigger.PARK: {Phase.RUNNING: Phase.WAITING, Phase.WAITING: Phase.WAITING},
    Trigger.RESUME: {Phase.RUNNING: Phase.RUNNING, Phase.WAITING: Phase.RUNNING},
    Trigger.FORK: {Phase.RUNNING: Phase.REGION, Phase.WAITING: Phase.REGION},
    # A region is tried again as a new visit, which is pending until its delay is known.
    Trigger.RETRY: {
        Phase.PENDING: Phase.RETRYING,
        Phase.RUNNING: Phase.RETRYING,
        Phase.WAITING: Phase.RETRYING,
    },
    Trigger.TAKE_OVER: _ANY_PHASE,
    Trigger.REOPEN: {Phase.PENDING: Phase.REGION},
}
"""Every change of phase that there is, by what causes it; :meth:`Activation.move` refuses all others."""
