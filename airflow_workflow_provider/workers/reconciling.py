"""Compares instances with DAG runs periodically, in the api-server (rule I1)."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_workflow_provider import metrics
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.operations.reconcile import BUSY
from airflow_workflow_provider.store.backlog import read_backlog
from airflow_workflow_provider.store.comparing import Comparisons
from airflow_workflow_provider.workers.evaluation import evaluating_for

if TYPE_CHECKING:
    from airflow_workflow_provider.operations.reconcile import Reconciler
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)


def look_alone(reconciler: Reconciler, database: Database) -> None:
    """Look once, unless another process does so at this moment, and report what there is to see."""
    began = time.monotonic()
    try:
        with evaluating_for("airflow", "the comparison of instances with DAG runs"):
            look = reconciler.look()
    except Conflict as error:
        if error.code != BUSY:
            raise
        log.debug("%s", error.message)
        return
    metrics.timing(metrics.RECONCILER_DURATION, timedelta(seconds=time.monotonic() - began))
    metrics.gauge(metrics.INSTANCES_LIVE, look.compared)
    metrics.gauge(metrics.INSTANCES_WITHOUT_RUN, sum(1 for each in look.findings if each.outcome == "open"))
    metrics.gauge(metrics.INSTANCES_RESTORED, Comparisons(database).restored())
    backlog = read_backlog(database)
    metrics.gauge(metrics.EVENTS_LAG, backlog.events)
    metrics.gauge(metrics.EVENTS_DEAD, backlog.dead_letters)
    metrics.gauge(metrics.QUESTIONS_OPEN, backlog.open_questions)
    metrics.gauge(metrics.QUESTIONS_OLDEST, backlog.oldest_question)
    metrics.gauge(metrics.WAKEUPS_OVERDUE, backlog.wakeups)
    metrics.gauge(metrics.STARTS_OVERDUE, backlog.run_requests)
