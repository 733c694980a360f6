"""Keeps the result of a finished attempt, in the process and on the worker's disk, until it is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_workflow_provider.hosts.ending import Kept, Results
from airflow_workflow_provider.operators.patience import patiently
from airflow_workflow_provider.operators.spool import Spool
from airflow_workflow_provider.settings import load_settings

if TYPE_CHECKING:
    from uuid import UUID

    from airflow.sdk import BaseOperator

    from airflow_workflow_provider.engine.calls import ActivationRef

T = TypeVar("T")

SOON: Final = 0.2
"""Seconds that a result of a region may be in memory only."""


class WorkerResults(Results):
    """The results of one instance on this worker.

    :param instance: the instance
    """

    def __init__(self, instance: UUID) -> None:
        self._spool = Spool.configured(instance)
        self._settings = load_settings()

    def stored(self, turn: Callable[[], T]) -> T:
        """Store a turn, however long the workflow database is unavailable, up to the configured patience."""
        return patiently(turn, "A result", self._settings)

    def keep(self, activation: ActivationRef, kept: Kept) -> None:
        """Keep a result on this worker's disk."""
        self._spool.keep(activation, kept)

    def find(self, activation: ActivationRef) -> Kept | None:
        """Return a result that this worker has kept."""
        return self._spool.find(activation)

    def drop(self, activation: ActivationRef) -> None:
        """Delete a result from this worker's disk."""
        self._spool.drop(activation)


class RegionResults(WorkerResults):
    """Those of a region, whose results are stored within milliseconds as a rule.

    The disk gets one only when it is not stored by then: two flushes of a disk would cost more than the step.
    """

    def __init__(self, instance: UUID) -> None:
        super().__init__(instance)
        self._lock = threading.Lock()
        self._due: dict[ActivationRef, threading.Timer] = {}

    def keep(self, activation: ActivationRef, kept: Kept) -> None:
        """Keep a result on this worker's disk if it is not stored soon."""

        def write() -> None:
            with self._lock:
                if self._due.pop(activation, None) is not None:
                    self._spool.keep(activation, kept)

        timer = threading.Timer(SOON, write)
        timer.daemon = True
        with self._lock:
            self._due[activation] = timer
        timer.start()

    def drop(self, activation: ActivationRef) -> None:
        """Forget a result, on the disk too where it got there."""
        with self._lock:
            timer = self._due.pop(activation, None)
        if timer is not None:
            timer.cancel()
        else:
            super().drop(activation)


def run_patiently(operator: BaseOperator, run: Callable[[], Any]) -> Any:
    """Run an operator; one of ours that needs the workflow database for its work waits for it.

    Without that, an outage would count as a failure of the step, and use up its retry policy.
    """
    if not getattr(operator, "uses_store", False):
        return run()
    return patiently(run, f"Task {operator.task_id!r}")
