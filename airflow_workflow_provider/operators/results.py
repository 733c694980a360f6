"""No result of a finished attempt is thrown away: kept in the process and on the worker's disk until it is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_workflow_provider.hosts.inline import Kept, Results
from airflow_workflow_provider.operators.patience import patiently
from airflow_workflow_provider.operators.spool import Spool

if TYPE_CHECKING:
    from uuid import UUID

    from airflow.sdk import BaseOperator

    from airflow_workflow_provider.engine.calls import ActivationRef

T = TypeVar("T")


class WorkerResults(Results):
    """The results of one instance on this worker.

    :param instance: the instance
    """

    def __init__(self, instance: UUID) -> None:
        self._spool = Spool.configured(instance)

    def stored(self, turn: Callable[[], T]) -> T:
        """Store a turn, however long the workflow database is away, up to the configured patience."""
        return patiently(turn, "A result")

    def keep(self, activation: ActivationRef, kept: Kept) -> None:
        """Keep a result on this worker's disk."""
        self._spool.keep(activation, kept)

    def find(self, activation: ActivationRef) -> Kept | None:
        """Return a result that this worker has kept."""
        return self._spool.find(activation)

    def drop(self, activation: ActivationRef) -> None:
        """Delete a result from this worker's disk."""
        self._spool.drop(activation)


def run_patiently(operator: BaseOperator, run: Callable[[], Any]) -> Any:
    """Run an operator; one of ours that needs the workflow database for its work waits for it.

    Without that, an outage would count as a failure of the step, and use up its retry policy.
    """
    if not getattr(operator, "uses_store", False):
        return run()
    return patiently(run, f"Task {operator.task_id!r}")
