"""What goes on in the api-server beside answering requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.audit_log import AuditForwarder
from airflow_workflow_provider.airflow_db.required_actions_sync import showing_answers
from airflow_workflow_provider.api.services import Services, airflow_mask
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.workers.background import in_background
from airflow_workflow_provider.workers.events import event_service
from airflow_workflow_provider.workers.notifications import Notifier
from airflow_workflow_provider.workers.pinned_starts import PinnedStarter
from airflow_workflow_provider.workers.reminders import Reminder
from airflow_workflow_provider.workers.wakeups import wakeup_service

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database


@contextmanager
def background() -> Iterator[None]:
    """Deliver events, wake tasks, start pinned workflows, remind people, tell notifiers and follow the audit log.

    All of that goes on until the context ends.
    """
    with event_service(), wakeup_service(showing_answers), people_service(), pinned_service():
        yield


@contextmanager
def pinned_service(settings: Settings | None = None) -> Iterator[None]:
    """Make the DAG runs of pinned sub-workflows, in a thread of this process, until the context ends."""
    settings = settings or load_settings()

    def start(database: Database, stop: threading.Event) -> None:
        PinnedStarter(database, settings, airflow_mask).run(stop)

    with in_background({"start of pinned workflows": start}, settings):
        yield


@contextmanager
def people_service(settings: Settings | None = None) -> Iterator[None]:
    """Remind and escalate, tell notifiers, and write down what users do in Airflow, in threads of this process."""
    settings = settings or load_settings()
    notifiers = settings.notifiers

    def remind(database: Database, stop: threading.Event) -> None:
        Reminder(database, notifiers).run(stop)

    def notify(database: Database, stop: threading.Event) -> None:
        Notifier(database, notifiers, Services(database, settings).definition, airflow_mask).run(stop)

    def follow(database: Database, stop: threading.Event) -> None:
        AuditForwarder(database, Services(database, settings).definition, airflow_mask).run(stop)

    works = {"reminding of people": remind, "take-over of user actions": follow}
    if notifiers:
        works["notification of people"] = notify
    with in_background(works, settings):
        yield
