"""Failures with causes, and with all types that they match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.errors import StepFailure

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.failure import Failure


class FailedWith(StepFailure):
    """Carries a failure through Airflow's machinery as it is.

    :param failure: the failure
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, type=failure.type, code=failure.code, details=failure.details)
        self.failure = failure
