"""Task definitions of the table ``task_definitions``, and everything that was published of them (rules K1, K2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Text, any_, func, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.model.digests import digest
from airflow_workflow_provider.store.publications import (
    Published,
    check_expected,
    enter_publication,
    latest_rows,
    next_revision,
    refuse_unreadable,
    refuse_unstorable,
)
from airflow_workflow_provider.store.tables import task_definition_versions as versions
from airflow_workflow_provider.store.tables import task_definitions as heads

if TYPE_CHECKING:
    from airflow_workflow_provider.model.task import TaskDefinition
    from airflow_workflow_provider.store.database import Database


@dataclass(frozen=True)
class StoredTask:
    """One publication of a task, as it was given but for the order of keys."""

    task_id: str
    revision: int
    document: dict[str, Any]
    digest: str
    created_at: datetime
    created_by: str | None


_COLUMNS = [versions.c[name] for name in StoredTask.__dataclass_fields__]


class Tasks:
    """The published task definitions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self,
        task: TaskDefinition,
        document: dict[str, Any],
        *,
        actor: str | None = None,
        expected: int | None = None,
    ) -> Published:
        """Make a checked document the current definition of its task, in one transaction.

        Tasks have no version of their own: other content is a new revision, the same content is none.

        :param actor: who publishes, kept with the revision
        :param expected: the revision as the publisher knows it, 0 for a new task; null where any will do
        :raises Conflict: ``revision-changed``: the current revision is not the expected one
        :raises InvalidDefinition: a text that PostgreSQL cannot store
        """
        refuse_unstorable(document, task.task_id)
        content = digest(document)

        def work(connection: Connection) -> Published:
            enter_publication(connection)
            newest = select(versions.c.digest, versions.c.revision).where(versions.c.task_id == task.task_id)
            head = connection.execute(newest.order_by(versions.c.revision.desc()).limit(1)).one_or_none()
            check_expected(task.task_id, expected, head.revision if head else None)
            if head is not None and head.digest == content:
                return Published(head.revision, "unchanged")
            revision = next_revision(connection)
            row = {"task_id": task.task_id, "revision": revision, "document": document, "digest": content}
            connection.execute(insert(versions).values(created_by=actor, **row))
            _write_head(connection, task, document, revision)
            return Published(revision, "created" if head is None else "updated")

        return self._database.run(work)

    def get(self, task_id: str, revision: int | None = None) -> StoredTask:
        """The current definition of a task, or what was published of it as a revision.

        :raises NotFound: the table has no such task or revision; built-in and Python tasks are not in it
        """
        query = select(*_COLUMNS).where(versions.c.task_id == task_id).order_by(versions.c.revision.desc()).limit(1)
        if revision is not None:
            query = query.where(versions.c.revision == revision)
        row = self._database.run(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            wanted = "" if revision is None else f" of revision {revision}"
            message = f"There is no task {task_id!r}{wanted} in the database"
            raise NotFound(message, pointer=task_id)
        refuse_unreadable(row.document, f"task {task_id!r}")
        return StoredTask(**row._mapping)

    def versions(self, task_id: str) -> tuple[StoredTask, ...]:
        """All publications of a task, newest first.

        :raises NotFound: the table has no such task
        """
        query = select(*_COLUMNS).where(versions.c.task_id == task_id).order_by(versions.c.revision.desc())
        found = self._stored(query)
        if not found:
            message = f"There is no task {task_id!r} in the database"
            raise NotFound(message, pointer=task_id)
        return found

    def list(self) -> tuple[StoredTask, ...]:
        """The current definitions of all tasks, by id."""
        query = select(*_COLUMNS).join(heads, heads.c.revision == versions.c.revision).order_by(versions.c.task_id)
        return self._stored(query)

    def named(self, names: Iterable[str]) -> tuple[StoredTask, ...]:
        """The current definitions of those of these tasks that are stored, by id."""
        query = select(*_COLUMNS).join(heads, heads.c.revision == versions.c.revision).order_by(versions.c.task_id)
        return self._stored(query.where(versions.c.task_id == any_(literal(sorted(names), ARRAY(Text)))))

    def ids(self) -> tuple[str, ...]:
        """The ids of all stored tasks."""
        query = select(heads.c.task_id).order_by(heads.c.task_id)
        return tuple(self._database.run(lambda connection: connection.scalars(query).all()))

    def at_revision(self, revision: int, only: Collection[str] | None = None) -> tuple[StoredTask, ...]:
        """The definitions of all tasks, or of some, as they were at a revision, by id."""
        return self._stored(latest_rows(versions, "task_id", revision, only))

    def _stored(self, query: Any) -> tuple[StoredTask, ...]:
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(StoredTask(**{column.name: row._mapping[column.name] for column in _COLUMNS}) for row in rows)


def _write_head(connection: Connection, task: TaskDefinition, document: dict[str, Any], revision: int) -> None:
    values = {
        "name": task.name,
        "description": task.description,
        "operator": task.operator,
        "arguments": document.get("arguments"),
        "input_schema": document.get("inputSchema"),
        "output_schema": document.get("outputSchema"),
        "retry_policy": document.get("retryPolicy"),
        "timeout": task.timeout,
        "revision": revision,
    }
    statement = upsert(heads).values(task_id=task.task_id, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["task_id"], set_={**values, "updated_at": func.statement_timestamp()}
        )
    )
