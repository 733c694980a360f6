"""What is stored of all workflows and tasks, without their documents: to compare it with a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from airflow_workflow_provider.store.publications import highest_revision
from airflow_workflow_provider.store.tables import task_definition_versions as task_versions
from airflow_workflow_provider.store.tables import task_definitions
from airflow_workflow_provider.store.tables import workflow_definition_versions as versions
from airflow_workflow_provider.store.tables import workflow_definitions as heads
from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database


@dataclass(frozen=True)
class KnownWorkflow:
    """A workflow, as it is stored.

    :param version: of its current definition
    :param versions: the digest of the content of each version
    :param live: instances that have not ended, by version
    """

    version: str
    revision: int
    active: bool
    versions: Mapping[str, str]
    live: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class KnownTask:
    """A task definition, as it is stored."""

    revision: int
    digest: str


@dataclass(frozen=True)
class Inventory:
    """What is stored at one moment.

    :param revision: the newest revision of all
    """

    revision: int
    workflows: Mapping[str, KnownWorkflow]
    tasks: Mapping[str, KnownTask]


def read_inventory(database: Database) -> Inventory:
    """Return what is stored."""

    def work(connection: Connection) -> Inventory:
        published: dict[str, dict[str, str]] = defaultdict(dict)
        # The newest publication of a version last: a rollback stands twice.
        query = select(versions.c.workflow_id, versions.c.version, versions.c.digest).order_by(versions.c.revision)
        for workflow_id, version, digest in connection.execute(query):
            published[workflow_id][version] = digest
        live: dict[str, dict[str, int]] = defaultdict(dict)
        counted = select(instances.c.workflow_id, instances.c.version, func.count())
        counted = counted.where(instances.c.status.in_(("running", "suspended")))
        for workflow_id, version, count in connection.execute(
            counted.group_by(instances.c.workflow_id, instances.c.version)
        ):
            live[workflow_id][version] = count
        current = select(heads.c.workflow_id, heads.c.version, heads.c.revision, heads.c.active)
        workflows = {
            row.workflow_id: KnownWorkflow(
                row.version, row.revision, row.active, published[row.workflow_id], live.get(row.workflow_id, {})
            )
            for row in connection.execute(current)
        }
        named = select(task_versions.c.task_id, task_versions.c.revision, task_versions.c.digest)
        named = named.join(task_definitions, task_definitions.c.revision == task_versions.c.revision)
        tasks = {row.task_id: KnownTask(row.revision, row.digest) for row in connection.execute(named)}
        return Inventory(highest_revision(connection), workflows, tasks)

    return database.run(work)
