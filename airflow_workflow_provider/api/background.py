"""Background work of the api-server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.airflow_db.audit_log import AuditForwarder
from airflow_workflow_provider.airflow_db.required_actions_sync import showing_answers
from airflow_workflow_provider.airflow_db.resume_tasks import Waker
from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.operations.reconcile import Reconciler
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store import comparing, notifications, places, run_requests, wakeups
from airflow_workflow_provider.workers.admissions import Admitter
from airflow_workflow_provider.workers.alerts import Alerter
from airflow_workflow_provider.workers.events import event_workers
from airflow_workflow_provider.workers.notifications import Notifier
from airflow_workflow_provider.workers.pinned_starts import PinnedStarter
from airflow_workflow_provider.workers.reconciling import look_alone
from airflow_workflow_provider.workers.reminders import Reminder
from airflow_workflow_provider.workers.worker import Job, Worker, working

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

QUICK_POLL: Final = 2.0
"""Seconds between two looks of a worker that is not notified of work."""


RUNNING: Final[list[Worker]] = []
"""The workers of this process, for its health report."""


@contextmanager
def background() -> Iterator[None]:
    """Have the workers of an api-server work until the context ends."""
    started = workers(load_settings())
    RUNNING.extend(started)
    try:
        with working(started):
            yield
    finally:
        RUNNING.clear()


def workers(settings: Settings) -> tuple[Worker, ...]:
    """Return what works in an api-server.

    They deliver events, resume tasks, start pinned workflows, admit queued instances, remind people, report what takes
    too long, call notifiers, follow the audit log, and compare instances with DAG runs.
    """
    notifiers = settings.notifiers

    def wake(database: Database) -> Job:
        waker = Waker(database, showing_answers(database))
        return Job(waker.work, wakeups.CHANNEL, waker.next_due)

    def start(database: Database) -> Job:
        starter = PinnedStarter(database, settings, server_mask)
        return Job(starter.work, run_requests.CHANNEL, starter.next_due)

    def remind(database: Database) -> Job:
        return Job(Reminder(database, notifiers).work)

    def notify(database: Database) -> Job:
        notifier = Notifier(database, notifiers, Services(database, settings).definition, server_mask)
        return Job(notifier.look, notifications.CHANNEL, notifier.next_due)

    def reconcile(database: Database) -> Job:
        reconciler = Reconciler(Services(database, settings).operation_context, database)
        return Job(partial(look_alone, reconciler, database), comparing.CHANNEL)

    def admit(database: Database) -> Job:
        return Job(Admitter(Services(database, settings).operation_context, database).work, places.CHANNEL)

    def report(database: Database) -> Job:
        alerter = Alerter(Services(database, settings).operation_context, database)
        return Job(alerter.work, next_due=alerter.next_due)

    def follow(database: Database) -> Job:
        return Job(AuditForwarder(database, Services(database, settings).definition, server_mask).forward)

    return (
        *event_workers(settings),
        Worker("resumption of tasks", wake, settings=settings),
        Worker("start of pinned workflows", start, settings=settings),
        Worker("admission of queued instances", admit, settings=settings),
        Worker("reminding of people", remind, poll=QUICK_POLL, settings=settings),
        Worker("reporting of what takes too long", report, settings=settings),
        Worker("take-over of user actions", follow, poll=QUICK_POLL, settings=settings),
        Worker("reconciliation", reconcile, poll=settings.reconcile_interval, settings=settings),
        *([Worker("notification of people", notify, settings=settings)] if notifiers else []),
    )
