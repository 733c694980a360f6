"""``events …``: send events, list them and their deliveries, and list the steps that wait."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.console import print_json, print_line, print_rows
from airflow_workflow_provider.cli.counts import from_one
from airflow_workflow_provider.cli.documents import read_json_argument
from airflow_workflow_provider.cli.instances import parse_instance_id
from airflow_workflow_provider.cli.main import FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.events import parse_batch
from airflow_workflow_provider.operations.events import accept
from airflow_workflow_provider.operations.permission import UNRESTRICTED
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.event_retention import EventRetention
from airflow_workflow_provider.store.events import EventFilter, Events
from airflow_workflow_provider.store.waits import Waits
from airflow_workflow_provider.vocabulary import ProblemCode

EVENT_COLUMNS = {"eventRowId": "event", "type": "type", "source": "source", "id": "id", "receivedAt": "received"}
DELIVERY_COLUMNS = {
    "deliveryId": "delivery",
    "eventRowId": "event",
    "workflowId": "workflow",
    "status": "status",
    "attempts": "tries",
    "instanceId": "instance",
    "reasonText": "reason",
}
WAIT_COLUMNS = {
    "workflowId": "workflow",
    "instanceId": "instance",
    "stepId": "step",
    "eventPattern": "waits for",
    "correlationText": "with",
    "waitingSince": "since",
    "deadlineAt": "until",
}


def send(options: Namespace) -> int:
    """Accept one CloudEvent, or an array of them, all or none."""
    given = read_json_argument(options.event, what="the event", bare_file=True)
    events = parse_batch(given if isinstance(given, list) else [given])
    with open_database() as database:
        accepted = accept(Events(database), events, UNRESTRICTED)
    rows = [
        {"eventRowId": str(each.id), "source": event.source, "id": event.id, "created": each.created}
        for event, each in zip(events, accepted, strict=True)
    ]
    print_rows(options.output, {"eventRowId": "event", "source": "source", "id": "id", "created": "new"}, rows)
    return FINE


def list_events(options: Namespace) -> int:
    """List events, newest first."""
    only = EventFilter(type=options.type, source=options.source)
    with open_database() as database:
        found = Events(database).list(only, limit=from_one(options.limit, "--limit"))
    rows = [
        {
            "eventRowId": str(each.id),
            "sequence": each.sequence,
            "receivedAt": each.received_at.isoformat(),
            **each.event.to_json(),
        }
        for each in found
    ]
    print_rows(options.output, EVENT_COLUMNS, rows)
    return FINE


def deliveries(options: Namespace) -> int:
    """List deliveries, newest first; with ``--status dead`` the dead letters."""
    event = None if options.event is None else _event_row_id(options.event)
    workflows = None if options.workflow is None else [options.workflow]
    with open_database() as database:
        found = Deliveries(database).list(
            status=options.status, workflow_ids=workflows, event=event, limit=from_one(options.limit, "--limit")
        )
    rows: list[dict[str, Any]] = [
        {
            "deliveryId": each.id,
            "eventRowId": str(each.event_id),
            "workflowId": each.workflow_id,
            "status": each.status,
            "attempts": each.attempts,
            "instanceId": str(each.instance_id) if each.instance_id else None,
            "reason": each.reason,
            "updatedAt": each.updated_at.isoformat(),
        }
        for each in found
    ]
    if options.output == "table":
        for row in rows:
            reason = row["reason"] or {}
            row["reasonText"] = f"{reason['type']}: {reason['message']}" if reason else None
    print_rows(options.output, DELIVERY_COLUMNS, rows)
    return FINE


def redrive(options: Namespace) -> int:
    """Have dead letters tried again."""
    if not (options.delivery or options.workflow or options.event or options.all):
        message = "No dead letters are selected"
        raise Misuse(
            message, code=ProblemCode.BAD_ARGUMENTS, suggestion="Give deliveries, --workflow, --event, or --all"
        )
    with open_database() as database:
        number = Deliveries(database).redrive(
            deliveries_ids=options.delivery or None,
            workflow_ids=None if options.workflow is None else [options.workflow],
            event=None if options.event is None else _event_row_id(options.event),
        )
    if options.output == "json":
        print_json({"redriven": number})
    else:
        print_line(f"{number} dead letters are tried again.")
    return FINE


def waiting(options: Namespace) -> int:
    """List the steps that wait for an event, the longest first."""
    workflows = None if options.workflow is None else [options.workflow]
    instance = None if options.instance is None else parse_instance_id(options.instance)
    with open_database() as database:
        found = Waits(database).list(
            workflow_ids=workflows, instance=instance, limit=from_one(options.limit, "--limit")
        )
    rows: list[dict[str, Any]] = [
        {
            "workflowId": each.workflow_id,
            "instanceId": str(each.instance_id),
            "stepId": each.step_id,
            "scope": each.scope,
            "visit": each.visit,
            "eventPattern": each.pattern,
            "correlation": each.correlation,
            "waitingSince": each.waiting_since.isoformat(),
            "deadlineAt": each.deadline_at.isoformat() if each.deadline_at else None,
        }
        for each in found
    ]
    if options.output == "table":
        for row in rows:
            row["correlationText"] = ", ".join(f"{path}={value!r}" for path, value in row["correlation"].items())
    print_rows(options.output, WAIT_COLUMNS, rows)
    return FINE


def purge(options: Namespace) -> int:
    """Remove events that are past their retention, or with ``--dry-run`` only count them."""
    now = datetime.now(UTC)
    with open_database() as database:
        retention = EventRetention(database, load_settings().log_retention)
        number = retention.count(now) if options.dry_run else retention.purge(now)
    if options.output == "json":
        print_json({"dryRun": options.dry_run, "events": number})
    else:
        print_line(f"{number} events {'would be removed' if options.dry_run else 'removed'}.")
    return FINE


def _event_row_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        message = f"{text!r} is not an event id; expected the UUID that 'events list' shows"
        raise Misuse(message, code=ProblemCode.BAD_EVENT_ID) from error
