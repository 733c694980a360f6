"""Calls Airflow's notifiers: at least once, and again after a failure (``[workflows] notifiers``)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from airflow.configuration import conf
from airflow.sdk import BaseNotifier

from airflow_workflow_provider.engine.alerts import overdue_in
from airflow_workflow_provider.engine.masking import Masker, filled_in
from airflow_workflow_provider.errors import Misuse, NotFound
from airflow_workflow_provider.model.plain import one_line
from airflow_workflow_provider.people.notifiers import listening
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.named import named
from airflow_workflow_provider.store.notifications import Notification, Notifications
from airflow_workflow_provider.store.outbox import Backoff
from airflow_workflow_provider.store.questions import Questions
from airflow_workflow_provider.tasks.templates import RunNames, render
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

Json = dict[str, Any]

BACKOFF: Final = Backoff(timedelta(seconds=10), timedelta(hours=1), attempts=10)
"""Of a notifier that fails; after the last try, about three hours, the notification stays as ``failed``."""

OF_LINES: Final = ("attachment", "block", "body", "content", "description", "html", "message", "payload", "text")
"""Words in the names of a notifier's fields that may have several lines; any other may become a header."""


class Notifier:
    """Calls notifiers; any number of processes may do so at the same time.

    :param notifiers: as they are configured, by name
    :param definition_of: gives the definition of a workflow's revision
    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    """

    def __init__(
        self,
        database: Database,
        notifiers: Mapping[str, Any],
        definition_of: Callable[[str, int], WorkflowDefinition],
        mask: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        self._database = database
        self._notifications = Notifications(database)
        self._configured = notifiers
        self._definition_of = definition_of
        self._mask = mask

    def look(self) -> int:
        """Add the notifications of instances that ended, and :meth:`work`."""
        if self._hears_of_ends:
            self._notifications.add_ends(lambda occasion: listening(self._configured, occasion, None))
        return self.work()

    def next_due(self) -> timedelta | None:
        """Return how long it takes until a notification is due; None if there is none."""
        return self._notifications.next_due()

    @property
    def _hears_of_ends(self) -> bool:
        return any(listening(self._configured, occasion, None) for occasion in ("failed", "completed"))

    def work(self) -> int:
        """Send what is due of one batch; return how much that was."""
        claimed = self._notifications.claim()
        for each in claimed:
            with named(instance_id=each.instance_id, question_id=each.question_id):
                self._notify(each)
        return len(claimed)

    def _notify(self, notification: Notification) -> None:
        try:
            notify(self._configured, notification.notifier, self.context(notification))
        except Exception as error:
            words = one_line(f"{type(error).__name__}: {str(self._mask(str(error)))[:500]}")
            again = BACKOFF.delay(notification.attempts)
            log.warning("Notifier %r failed for %r: %s", notification.notifier, notification.occasion, words)
            self._notifications.failed(notification.id, words, again)
            return
        self._notifications.sent(notification.id)

    def context(self, notification: Notification) -> Json:
        """Return what the notifier's templates may use, secrets masked."""
        instance = Instances(self._database).get(notification.instance_id)
        definition = self._definition_of(instance.workflow_id, instance.revision)
        masker = Masker(definition, instance.input, self._mask, filled_in(instance.state))
        about = {
            "occasion": notification.occasion,
            "workflow": {
                "id": instance.workflow_id,
                "version": instance.version,
                "instance_id": str(instance.id),
                "run_id": instance.run_id,
                "status": instance.status,
                "correlation_id": instance.correlation_id,
                "input": instance.input,
                "output": instance.output,
                "error": instance.error,
                "url": _page(f"instance/{instance.id}"),
            },
            "question": self._question(notification),
            "overdue": overdue_in(instance.state),
            **vars(RunNames.of(instance.run_id, instance.started_at)),
        }
        return dict(masker.mask(about))

    def _question(self, notification: Notification) -> Json | None:
        if notification.question_id is None:
            return None
        try:
            found = Questions(self._database).get(notification.question_id)
        except NotFound:
            return None
        names = ("subject", "body", "options", "assignees", "step_id", "status")
        return {
            **{name: getattr(found, name) for name in names},
            "id": str(found.id),
            "url": _page(f"task/{found.id}"),
            "due_at": found.due_at.isoformat() if found.due_at is not None else None,
        }


def notify(configured: Mapping[str, Any], name: str, context: Json) -> None:
    """Make a notifier as it is configured and have it notify.

    :raises Misuse: it is not configured any more, or is no notifier
    """
    if name not in configured:
        message = f"[workflows] notifiers has no {name!r}"
        raise Misuse(message, code=ProblemCode.BAD_CONFIGURATION)
    made = _class_of(str(configured[name].get("class")))(**configured[name].get("arguments", {}))
    # As calling the notifier does, without hiding its failure or rendering Airflow's templates.
    context.update({field: getattr(made, field) for field in made.template_fields})
    _render(made, context, f"notifiers/{name}")
    made.notify(context)  # type: ignore[arg-type]


def _render(made: BaseNotifier, context: Json, use: str) -> None:
    """Render what the notifier was made with; what people and documents say is text there, and nothing more.

    In HTML it is escaped. Headers of a mail are one line each: with a line break the mail would not be sent at all, or
    have one header more.
    """
    for field in made.template_fields:
        value = getattr(made, field)
        rendered = render(value, context, f"{use}/{field}", strict=False, html="html" in field)
        has_lines = any(word in field for word in OF_LINES)
        setattr(made, field, rendered if has_lines else _in_one_line(rendered))


def _in_one_line(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_in_one_line(each) for each in value)
    return {_in_one_line(key): _in_one_line(each) for key, each in value.items()} if isinstance(value, dict) else value


def _class_of(path: str) -> type[BaseNotifier]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"[workflows] notifiers: {path!r} cannot be imported: {error}"
        raise Misuse(message, code=ProblemCode.BAD_CONFIGURATION) from error
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        message = f"[workflows] notifiers: {path!r} is no notifier of Airflow"
        raise Misuse(message, code=ProblemCode.BAD_CONFIGURATION)
    return found


def _page(place: str) -> str:
    """Return the address of a page under *Workflows*, behind the path of Airflow's base URL where it has one."""
    return f"{conf.get('api', 'base_url', fallback='').rstrip('/')}/plugin/workflows/{place}"
