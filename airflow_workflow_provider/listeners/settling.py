"""Settling what a listener noted, in the configured database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.operations.settling import is_still_so, settle
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.workers.evaluation import evaluating_for

if TYPE_CHECKING:
    from airflow_workflow_provider.operations.ended_run import EndedRun


def settle_configured(ended: EndedRun) -> bool:
    """Settle in the configured database, reached for this run only."""
    settings = load_settings()
    url = database_url(settings.conn_id)
    with (
        evaluating_for("airflow", "the end of a DAG run"),
        Database(
            url, connect_timeout=settings.connect_timeout, retry_for=settings.retry_for, pooled=False, checked=True
        ) as found,
    ):
        return settle(ended, found, still_so=is_still_so)
