"""What a task has to do in Airflow after the machine has decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.calls import ActivationRef

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.hosts.ending import Kept


@dataclass(frozen=True)
class Follow:
    """The task has succeeded; of the tasks behind it, only these start.

    :param output: what the task's result is shown as
    """

    tasks: tuple[str, ...]
    output: Json | None = None


@dataclass(frozen=True)
class Stop:
    """The task has failed for good, because the work around it has ended.

    :param is_over: no decision will lead to any task behind it in its step list
    """

    error: Json
    is_over: bool = False


@dataclass(frozen=True)
class Failed:
    """The work of the task has failed for good; of the tasks that follow a failure of it, only this one starts.

    :param task: None where its step list fails
    """

    error: Json
    task: str | None = None


@dataclass(frozen=True)
class Later:
    """No decision leads to the task yet: it waits, without a worker, and asks again."""


@dataclass(frozen=True)
class Again:
    """The task is to be tried again after a delay."""

    delay: timedelta
    error: Json | None


@dataclass(frozen=True)
class Leave:
    """Nothing is to be done here: the task skips itself."""

    reason: str


@dataclass(frozen=True)
class Hold:
    """The task waits, without a worker, until the instance is not suspended any more (rule I3)."""


Results = Callable[[ActivationRef], "Kept | None"]
"""Finds how an attempt has ended whose process could not store it."""


def no_results(_: ActivationRef) -> None:
    """Find nothing: where nothing is kept."""


Outcome = Follow | Stop | Failed | Again | Leave | Later | Hold
