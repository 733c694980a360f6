"""``instances list|show``: running and ended instances."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.console import print_json, print_line, print_rows, print_table
from airflow_workflow_provider.cli.counts import from_one
from airflow_workflow_provider.cli.main import FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.listing import InstanceList
from airflow_workflow_provider.store.places import Places
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.store.instances import Instance, InstanceSummary

COLUMNS = {
    "instanceId": "id",
    "workflowId": "workflow",
    "version": "version",
    "status": "status",
    "queuePosition": "queue",
    "currentStepId": "step",
    "correlationId": "correlation id",
    "startedAt": "started",
    "completedAt": "completed",
}


def parse_instance_id(text: str) -> UUID:
    """Read an instance's id.

    :raises Misuse: it is no UUID
    """
    try:
        return UUID(text)
    except ValueError as error:
        message = f"{text!r} is not an instance id; expected a UUID"
        raise Misuse(message, code=ProblemCode.BAD_INSTANCE_ID) from error


def list_instances(options: Namespace) -> int:
    """List instances, newest first."""
    from_one(options.limit, "--limit")
    only = InstanceFilter(
        workflow_id=options.workflow,
        statuses=[options.status] if options.status else None,
        correlation_id=options.correlation_id,
        compensation_owed=True if options.compensation_owed else None,
    )
    rows: list[dict[str, Any]] = []
    with open_database() as database:
        after = None
        while len(rows) < options.limit:
            page = InstanceList(database).page(only, after=after, limit=options.limit - len(rows))
            positions = Places(database).positions([each.id for each in page.items if each.queued])
            rows += [summary(each, positions.get(each.id)) for each in page.items]
            after = page.next
            if after is None:
                break
    print_rows(options.output, COLUMNS, rows)
    return FINE


def summary(instance: InstanceSummary, position: int | None = None) -> dict[str, Any]:
    """Return the JSON object that stands for an instance in lists.

    :param position: in the queue, where it waits in one
    """
    return {
        "instanceId": str(instance.id),
        "workflowId": instance.workflow_id,
        "version": instance.version,
        "status": instance.status,
        "displayStatus": instance.display_status,
        "queuePosition": position,
        "currentStepId": instance.current_step_id,
        "correlationId": instance.correlation_id,
        "dagId": instance.dag_id,
        "runId": instance.run_id,
        "startedAt": instance.started_at.isoformat(),
        "completedAt": instance.completed_at.isoformat() if instance.completed_at else None,
        "error": instance.error,
        "compensationsOwed": instance.compensations_owed,
    }


def show(options: Namespace) -> int:
    """Show one instance: its status, its steps, its output or error."""
    wanted = parse_instance_id(options.instance_id)
    with open_database() as database:
        instance = Instances(database).get(wanted)
        position = Places(database).positions([wanted]).get(wanted)
    found = {
        **summary(instance, position),
        "input": instance.input,
        "output": instance.output,
        "event": instance.event,
        "parentInstanceId": str(instance.parent_instance_id) if instance.parent_instance_id else None,
        "state": instance.state.public(),
    }
    if options.output == "json":
        print_json(found)
    else:
        _print(found, instance)
    return FINE


def _print(found: dict[str, Any], instance: Instance) -> None:
    for key in (*COLUMNS, "runId"):
        if found[key] is not None:
            print_line(f"{COLUMNS.get(key, 'run'):15} {found[key]}")
    if instance.compensations_owed:
        print_line(f"{'to compensate':15} {instance.compensations_owed} steps")
    rows = [
        (step_id, each.status.value, each.visit, each.started_at, each.completed_at)
        for step_id, each in instance.state.steps.items()
    ]
    print_table(("step", "status", "visit", "started", "completed"), rows)
    for title in ("input", "output", "error"):
        if found[title] is not None:
            print_line(f"{title}:")
            print_json(found[title])
