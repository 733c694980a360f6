"""The metrics of workflows, in one table, reported through Airflow's own statistics.

A metric must never fail the work that it measures, so its errors are only logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Literal

from airflow_workflow_provider.airflow_internals.stats import Stats, stats

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Metric:
    """A metric.

    :param kind: a ``counter``, a ``gauge`` or a ``timer``
    :param tags: names of its tags
    :param meaning: what it says, with its unit
    """

    name: str
    kind: Literal["counter", "gauge", "timer"]
    tags: tuple[str, ...]
    meaning: str


INSTANCES_STARTED: Final = "workflows.instances.started"
INSTANCES_ENDED: Final = "workflows.instances.ended"
INSTANCES_LIVE: Final = "workflows.instances.live"
INSTANCES_WITHOUT_RUN: Final = "workflows.instances.without_run"
INSTANCES_RESTORED: Final = "workflows.instances.restored"
STEPS_DURATION: Final = "workflows.steps.duration"
STEPS_OVERDUE: Final = "workflows.steps.overdue"
INSTANCES_OVERDUE: Final = "workflows.instances.overdue"
DEADLINES_MISSED: Final = "workflows.instances.deadlines_missed"
STEPS_RETRIED: Final = "workflows.steps.retried"
COMPENSATIONS_ENDED: Final = "workflows.compensations.ended"
EVENTS_LAG: Final = "workflows.events.lag"
EVENTS_DEAD: Final = "workflows.events.dead_letters"
QUESTIONS_OPEN: Final = "workflows.questions.open"
QUESTIONS_OLDEST: Final = "workflows.questions.oldest"
WAKEUPS_OVERDUE: Final = "workflows.wakeups.overdue"
STARTS_OVERDUE: Final = "workflows.run_requests.overdue"
RECONCILER_FIXED: Final = "workflows.reconciler.fixed"
RECONCILER_DURATION: Final = "workflows.reconciler.duration"
LISTENERS_DROPPED: Final = "workflows.listeners.dropped"
BUNDLE_REFRESH: Final = "workflows.bundle.refresh"

METRICS: Final = (
    Metric(INSTANCES_STARTED, "counter", ("workflow_id",), "Instances that started"),
    Metric(INSTANCES_ENDED, "counter", ("workflow_id", "status"), "Instances that ended, `completed` or `failed`"),
    Metric(INSTANCES_LIVE, "gauge", (), "Instances that have not ended"),
    Metric(INSTANCES_WITHOUT_RUN, "gauge", (), "Instances that do not agree with their DAG run and were not fixed"),
    Metric(INSTANCES_RESTORED, "gauge", (), "Instances that are suspended because an older backup was restored"),
    Metric(STEPS_DURATION, "timer", ("workflow_id", "step_id", "status"), "Time from the start of a step to its end"),
    Metric(
        STEPS_OVERDUE,
        "counter",
        ("workflow_id", "step_id"),
        "Attempts that take longer than their timeout and continue",
    ),
    Metric(
        INSTANCES_OVERDUE,
        "counter",
        ("workflow_id",),
        "Instances that take longer than their timeout and continue",
    ),
    Metric(DEADLINES_MISSED, "counter", ("workflow_id",), "Instances that had not ended by their deadline"),
    Metric(STEPS_RETRIED, "counter", ("workflow_id", "step_id"), "Attempts that failed and are followed by another"),
    Metric(COMPENSATIONS_ENDED, "counter", ("workflow_id", "status"), "Compensations that ended"),
    Metric(EVENTS_LAG, "gauge", (), "Seconds for which the oldest delivery of an event is overdue"),
    Metric(EVENTS_DEAD, "gauge", (), "Dead letters"),
    Metric(QUESTIONS_OPEN, "gauge", (), "Open questions to people"),
    Metric(QUESTIONS_OLDEST, "gauge", (), "Seconds since the oldest open question was asked"),
    Metric(WAKEUPS_OVERDUE, "gauge", (), "Seconds for which the oldest resumption of a waiting task is overdue"),
    Metric(STARTS_OVERDUE, "gauge", (), "Seconds for which the oldest start of a sub-workflow is overdue"),
    Metric(RECONCILER_FIXED, "counter", ("found",), "Instances and DAG runs that were made to agree"),
    Metric(RECONCILER_DURATION, "timer", (), "Duration of a comparison of instances with DAG runs"),
    Metric(
        LISTENERS_DROPPED,
        "counter",
        ("queue",),
        "Ends of DAG runs (`workflow-runs`) and marked tasks (`workflow-marks`) that were left to reconciliation",
    ),
    Metric(BUNDLE_REFRESH, "timer", (), "Duration of a refresh of `WorkflowDagBundle`"),
)
_BY_NAME: Final = MappingProxyType({metric.name: metric for metric in METRICS})


def count(name: str, **tags: str) -> None:
    """Count once."""
    _emit(name, "counter", tags, lambda backend: backend.incr(name, tags=tags))


def gauge(name: str, value: float, **tags: str) -> None:
    """Report a value as it is now."""
    _emit(name, "gauge", tags, lambda backend: backend.gauge(name, value, tags=tags))


def timing(name: str, duration: timedelta, **tags: str) -> None:
    """Report a duration."""
    _emit(name, "timer", tags, lambda backend: backend.timing(name, duration, tags=tags))


def _emit(name: str, kind: str, tags: dict[str, str], work: Callable[[Stats], None]) -> None:
    known = _BY_NAME[name]
    if known.kind != kind or set(known.tags) != set(tags):
        message = f"{name} is a {known.kind} with the tags {known.tags}"
        raise AssertionError(message)
    try:
        backend = stats()
        if backend is not None:
            work(backend)
    except Exception:
        log.debug("The metric %s could not be reported", name, exc_info=True)
