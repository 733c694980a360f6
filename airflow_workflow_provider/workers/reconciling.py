"""Comparing instances with DAG runs again and again, for as long as the api-server runs (rule I1)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.operations.reconcile import BUSY
from airflow_workflow_provider.workers.evaluation import evaluating_for

if TYPE_CHECKING:
    from airflow_workflow_provider.operations.reconcile import Reconciler

log = logging.getLogger(__name__)


def look_alone(reconciler: Reconciler) -> None:
    """Look once, unless another process does so at this moment."""
    try:
        with evaluating_for("airflow", "the comparison of instances with DAG runs"):
            reconciler.look()
    except Conflict as error:
        if error.code != BUSY:
            raise
        log.debug("%s", error.message)
