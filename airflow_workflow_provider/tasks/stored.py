"""Stored definitions, validated against the current rules and settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.validate import parse_task, validate_document, validate_task
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.tasks.catalogue import Catalogue

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic
    from airflow_workflow_provider.model.reach import Policy
    from airflow_workflow_provider.store.database import Database


@dataclass(frozen=True)
class StoredFinding:
    """A finding in a definition that is stored.

    :param kind: of what
    :param name: the workflow's or the task's id
    """

    kind: Literal["workflow", "task"]
    name: str
    diagnostic: Diagnostic


def stored_findings(database: Database, policy: Policy) -> Iterator[StoredFinding]:
    """Check the current definition of every task and workflow as publishing would; tasks first, then by id.

    :param policy: what authors may reach
    """
    tasks = Tasks(database).list()
    catalogue = Catalogue()
    for task in tasks:
        for each in validate_task(task.document, policy=policy, catalogue=catalogue).diagnostics:
            yield StoredFinding("task", task.task_id, each)
    known = {}
    for task in tasks:
        try:
            # Findings about a task are reported for the task, not as an unknown task for the workflows that use it.
            known[task.task_id] = parse_task(task.document, checked=False)
        except InvalidDefinition:
            continue
    catalogue = catalogue.with_tasks(known)
    definitions = Definitions(database)
    for stored in definitions.at_revision(definitions.highest_revision()):
        for each in validate_document(stored.document, catalogue, policy=policy).diagnostics:
            yield StoredFinding("workflow", stored.workflow_id, each)
