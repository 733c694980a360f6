"""Settling what a listener noted, in the configured database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.listeners.noted import reached
from airflow_workflow_provider.operations.settling import is_still_so, settle

if TYPE_CHECKING:
    from airflow_workflow_provider.operations.ended_run import EndedRun


def settle_configured(ended: EndedRun) -> bool:
    """Settle in the configured database, reached for this run only."""
    with reached("the end of a DAG run") as found:
        return settle(ended, found, still_so=is_still_so)
