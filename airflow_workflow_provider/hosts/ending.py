"""How calls of tasks end, and what keeps their results until those are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.calls import ActivationRef
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.failure import Failure

T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """A call that has ended.

    :param output: the raw result
    :param failure: the failure instead of one
    """

    output: Any = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Kept:
    """How an attempt has ended, and when its work was done; storing that may take until much later."""

    ended: Ended
    at: datetime


@dataclass(frozen=True)
class Parked:
    """A call that waits for something outside and holds no worker.

    :param until: when it ends without an event, with an empty result; None where ``note`` has what the host waits for
    :param note: the host's own note, a JSON object
    :param question: id of the question to people that it waits for, if it does
    """

    until: datetime | None = None
    note: Json = field(default_factory=dict)
    question: str | None = None


class Results:
    """What a host does so that no result is lost. This one does nothing: where all is in memory, none can be."""

    def stored(self, turn: Callable[[], T]) -> T:
        """Do a turn, and again from its start where it could not be stored."""
        return turn()

    def keep(self, activation: ActivationRef, kept: Kept) -> None:
        """Keep the result of an attempt where it survives this process."""

    def find(self, activation: ActivationRef) -> Kept | None:  # noqa: ARG002 - nothing is kept
        """Return the result of an attempt whose process died before it was stored."""
        return None

    def drop(self, activation: ActivationRef) -> None:
        """Forget the result of an attempt, because it is stored."""
