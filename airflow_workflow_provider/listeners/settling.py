"""Settling what a listener noted, in the configured database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.positions import positions_of
from airflow_workflow_provider.listeners.noted import reached
from airflow_workflow_provider.operations.settling import is_still_so, settle
from airflow_workflow_provider.operations.uncarried import fail_uncarried

if TYPE_CHECKING:
    from airflow_workflow_provider.operations.ended_run import EndedRun, UncarriedRun


def settle_configured(ended: EndedRun) -> bool:
    """Settle in the configured database, reached for this run only."""
    with reached("the end of a DAG run") as found:
        return settle(ended, found, still_so=is_still_so, positions=positions_of)


def refuse_configured(run: UncarriedRun) -> bool:
    """Fail a run that cannot begin, in the configured database."""
    with reached("the beginning of a DAG run") as found:
        return fail_uncarried(run, found)
