"""Workflow definitions: one head per workflow, and every published version, never deleted (rule D4)."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from semver import Version
from sqlalchemy import Connection, Row, func, insert, or_, select, update

from airflow_workflow_provider.engine.graph import DAG_SHAPE
from airflow_workflow_provider.errors import Conflict, InvalidDefinition, NotFound
from airflow_workflow_provider.model.digests import digest
from airflow_workflow_provider.model.grants import Grants
from airflow_workflow_provider.model.json_text import loads_document
from airflow_workflow_provider.store.heads import write_head
from airflow_workflow_provider.store.publications import (
    Published,
    check_expected,
    enter_publication,
    highest_revision,
    latest_rows,
    next_revision,
    refuse_unreadable,
    refuse_unstorable,
)
from airflow_workflow_provider.store.scheduled import since_again
from airflow_workflow_provider.store.tables import workflow_definition_versions as versions
from airflow_workflow_provider.store.tables import workflow_definitions as heads
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Execution, WorkflowDefinition
    from airflow_workflow_provider.store.database import Database


@dataclass(frozen=True)
class PublishedVersion:
    """One publication of a workflow.

    :param digest: of the content, see :func:`airflow_workflow_provider.store.jsontext.digest`
    :param created_by: who published it, if known
    """

    workflow_id: str
    version: str
    revision: int
    digest: str
    created_at: datetime
    created_by: str | None


@dataclass(frozen=True)
class StoredDefinition(PublishedVersion):
    """One publication with its document, as it was given but for the order of keys.

    :param grants: what the publisher was allowed; null of a version from before this was recorded
    :param execution: how its steps run where the document leaves that open; null stands for ``tasks``
    :param dag_shape: the shape of its DAG, see :data:`airflow_workflow_provider.engine.graph.DAG_SHAPE`
    """

    document: dict[str, Any]
    grants: dict[str, Any] | None = None
    execution: str | None = None
    dag_shape: int = DAG_SHAPE


@dataclass(frozen=True)
class Head:
    """The current definition of a workflow, as lists show it."""

    id: UUID
    workflow_id: str
    name: str
    description: str | None
    version: str
    revision: int
    active: bool
    created_at: datetime
    updated_at: datetime


_VERSION_COLUMNS = [versions.c[name] for name in PublishedVersion.__dataclass_fields__]
_STORED_COLUMNS = [versions.c[name] for name in StoredDefinition.__dataclass_fields__]
_HEAD_COLUMNS = [heads.c[name] for name in Head.__dataclass_fields__]


class Definitions:
    """The published workflow definitions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(
        self,
        definition: WorkflowDefinition,
        document: dict[str, Any],
        *,
        force: bool = False,
        actor: str | None = None,
        expected: int | None = None,
        grants: Grants | None = None,
        source: str | None = None,
        execution: Execution = "tasks",
    ) -> Published:
        """Make a checked document the head of its workflow, in one transaction (rule D4).

        Versions are compared by the precedence of semver 2.0.0, so ``1.0.0-rc.1`` is lower than ``1.0.0``; two that
        differ in build metadata only are different versions of equal precedence, and either may follow the other.

        :param force: allow a version lower than the head: a rollback, or a late fix of an older line
        :param actor: who publishes, kept with the version
        :param expected: the head's revision as the publisher knows it, 0 for a new workflow; null where any will do
        :param grants: what the publisher may have its steps do, kept with the version; by default all that it names
        :param source: the text that the document was read from; by default the document is serialized
        :param execution: how the steps run where the document leaves that open; instances of a version never change it
        :raises Conflict: ``version-reused``: the version was published with other content; ``version-lower``: it is
            lower than the head; ``revision-changed``: the head is not the expected one
        :raises InvalidDefinition: a text that PostgreSQL cannot store
        """
        refuse_unstorable(document, definition.workflow_id)
        content = digest(document)
        granted = (grants or Grants.of_administrator(definition)).to_json()

        def work(connection: Connection) -> Published:
            enter_publication(connection)
            head = self._head(connection, definition.workflow_id)
            check_expected(definition.workflow_id, expected, head.revision if head else None)
            if head is not None:
                same = self._published(connection, definition.workflow_id, definition.version)
                check_version(definition, content, head.version, same.digest if same else None, force=force)
                if head.version == definition.version:
                    return Published(head.revision, "unchanged")
            revision = next_revision(connection)
            values = {"version": definition.version, "revision": revision, "document": document, "digest": content}
            values |= {"grants": granted, "source": source or json.dumps(document, indent=2, ensure_ascii=False)}
            values |= {"execution": definition.settings.execution or execution, "dag_shape": DAG_SHAPE}
            connection.execute(insert(versions).values(workflow_id=definition.workflow_id, created_by=actor, **values))
            write_head(connection, definition, document, revision, head)
            return Published(revision, "created" if head is None else "updated")

        return self._database.run(work)

    def get(self, workflow_id: str, version: str | None = None, revision: int | None = None) -> StoredDefinition:
        """A definition: its head, or a version, or what was published as a revision.

        :raises NotFound: there is no such workflow, version or revision; the suggestion names the versions there are
        """
        query = select(*_STORED_COLUMNS).where(versions.c.workflow_id == workflow_id)
        if version is not None:
            query = query.where(versions.c.version == version)
        if revision is not None:
            query = query.where(versions.c.revision == revision)
        # Each publication is newer than the one before, a rollback too: the newest row is the head.
        query = query.order_by(versions.c.revision.desc()).limit(1)
        row = self._database.run(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise self._not_found(workflow_id, version, revision)
        refuse_unreadable(row.document, f"version {row.version} of workflow {workflow_id!r}")
        return StoredDefinition(**row._mapping)

    def source(self, definition: StoredDefinition) -> tuple[str, dict[str, Any]] | None:
        """The text of a publication with the order and the layout that its author gave it, and what was read from it.

        :returns: None of a version from before texts were kept, and where the document was changed manually since
        """
        query = select(versions.c.source).where(versions.c.revision == definition.revision)
        text = self._database.run(lambda connection: connection.execute(query).scalar_one_or_none())
        if text is None:
            return None
        try:
            document = loads_document(text)
        except InvalidDefinition:
            return None
        return (text, document) if digest(document) == digest(definition.document) else None

    def last_revision(self, workflow_id: str, version: str) -> int:
        """The last revision of all at which a version was, or is, the head.

        What it runs is what it ran then: the task definitions of that revision.

        :raises NotFound: there is no such workflow or version; the suggestion names the versions there are
        """
        own = self.get(workflow_id, version=version).revision
        query = select(func.min(versions.c.revision)).where(
            versions.c.workflow_id == workflow_id, versions.c.revision > own
        )
        following = self._database.run(lambda connection: connection.execute(query).scalar_one())
        return self.highest_revision() if following is None else int(following) - 1

    def head(self, workflow_id: str) -> Head:
        """The current definition of a workflow, as lists show it.

        :raises NotFound: there is no such workflow
        """
        query = select(*_HEAD_COLUMNS).where(heads.c.workflow_id == workflow_id)
        row = self._database.run(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise self._not_found(workflow_id, None, None)
        return Head(**row._mapping)

    def set_active(
        self, workflow_id: str, *, active: bool, expected: int | None = None, unless_live: bool = False
    ) -> Head:
        """Let a workflow take new instances or refuse them; instances that run are left alone.

        :param expected: the head's revision as the caller knows it; null where any will do
        :param unless_live: refuse while it has instances that have not ended
        :returns: the head as it is now; setting what is set already changes nothing
        :raises NotFound: there is no such workflow
        :raises Conflict: ``revision-changed``: the head is not the expected one; ``live-instances``
        """

        def work(connection: Connection) -> None:
            enter_publication(connection)
            if expected is not None:
                head = self._head(connection, workflow_id)
                check_expected(workflow_id, expected, head.revision if head else None)
            if unless_live:
                refuse_live(connection, workflow_id)
            query = select(heads.c.triggers, heads.c.scheduled_since)
            row = connection.execute(
                query.where(heads.c.workflow_id == workflow_id, heads.c.active != active)
            ).one_or_none()
            if row is None:
                return
            values: dict[str, Any] = {"active": active, "updated_at": func.statement_timestamp()}
            if row.scheduled_since:
                # DAGs have schedules only while their workflow is active, so this is a change for bundles.
                values["activation_revision"] = next_revision(connection)
            if row.scheduled_since and active:
                values["scheduled_since"] = since_again(row.triggers, row.scheduled_since, connection)
            connection.execute(update(heads).where(heads.c.workflow_id == workflow_id).values(**values))

        self._database.run(work)
        return self.head(workflow_id)

    def page(self, *, after: str | None = None, limit: int, active: bool | None = None) -> tuple[Head, ...]:
        """The heads of some workflows, by id.

        :param after: the id after which they begin
        :param active: only those that are, or are not, active
        """
        query = select(*_HEAD_COLUMNS).order_by(heads.c.workflow_id).limit(limit)
        if after is not None:
            query = query.where(heads.c.workflow_id > after)
        if active is not None:
            query = query.where(heads.c.active == active)
        return self._heads(query)

    def names(self, oldest: int | None = None) -> frozenset[str]:
        """The ids of all workflows, or of so many that were published first."""
        return self._ids(select(heads.c.workflow_id).order_by(heads.c.created_at, heads.c.workflow_id).limit(oldest))

    def list(self) -> tuple[Head, ...]:
        """The heads of all workflows, by id."""
        return self._heads(select(*_HEAD_COLUMNS).order_by(heads.c.workflow_id))

    def _heads(self, query: Any) -> tuple[Head, ...]:
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(Head(**row._mapping) for row in rows)

    def versions(self, workflow_id: str) -> tuple[PublishedVersion, ...]:
        """All publications of a workflow, newest first; a version that was rolled back to stands twice.

        :raises NotFound: there is no such workflow
        """
        query = select(*_VERSION_COLUMNS).where(versions.c.workflow_id == workflow_id)
        query = query.order_by(versions.c.revision.desc())
        rows = self._database.run(lambda connection: connection.execute(query).all())
        if not rows:
            raise self._not_found(workflow_id, None, None)
        return tuple(PublishedVersion(**row._mapping) for row in rows)

    def version_names(self, workflow_id: str) -> frozenset[str]:
        """The versions of a workflow that were published; none of an unknown one."""
        return self._ids(select(versions.c.version).where(versions.c.workflow_id == workflow_id))

    def _ids(self, query: Any) -> frozenset[str]:
        return frozenset(self._database.run(lambda connection: connection.execute(query).scalars().all()))

    def highest_revision(self) -> int:
        """The newest revision of workflows and tasks together; 0 when nothing was published yet."""
        return self._database.run(highest_revision)

    def changed_since(self, revision: int) -> tuple[StoredDefinition, ...]:
        """The heads that were published after a revision, by workflow id; and those that gained or lost schedules."""
        query = select(*_STORED_COLUMNS).join(heads, heads.c.revision == versions.c.revision)
        changed = or_(versions.c.revision > revision, heads.c.activation_revision > revision)
        return self._stored(query.where(changed).order_by(versions.c.workflow_id))

    def schedules(self, revision: int) -> dict[int, tuple[str, ...]]:
        """Since when the schedules of active workflows count, as ISO 8601, by the revision of the definition.

        :param revision: only what has not changed after it
        """
        query = select(heads.c.revision, heads.c.scheduled_since).where(
            heads.c.active, heads.c.scheduled_since.is_not(None), heads.c.activation_revision <= revision
        )
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return {row.revision: tuple(row.scheduled_since) for row in rows}

    def at_revision(self, revision: int, workflow_id: str | None = None) -> tuple[StoredDefinition, ...]:
        """The heads as they were at a revision, by workflow id; of one workflow if it is named."""
        only = None if workflow_id is None else [workflow_id]
        return self._stored(latest_rows(versions, "workflow_id", revision, only))

    def _stored(self, query: Any) -> tuple[StoredDefinition, ...]:
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(
            StoredDefinition(**{column.name: row._mapping[column.name] for column in _STORED_COLUMNS}) for row in rows
        )

    def _not_found(self, workflow_id: str, version: str | None, revision: int | None) -> NotFound:
        query = select(versions.c.version).where(versions.c.workflow_id == workflow_id).distinct()
        known = self._database.run(lambda connection: connection.execute(query).scalars().all())
        if not known:
            return NotFound(f"There is no workflow {workflow_id!r}", pointer=workflow_id)
        wanted = f"version {version!r}" if version is not None else f"revision {revision}"
        there = ", ".join(sorted(known, key=Version.parse))
        return NotFound(
            f"Workflow {workflow_id!r} has no {wanted}", pointer=workflow_id, suggestion=f"its versions are {there}"
        )

    @staticmethod
    def _head(connection: Connection, workflow_id: str) -> Row[Any, Any, Any, Any] | None:
        columns = (heads.c.version, heads.c.revision, heads.c.triggers, heads.c.scheduled_since)
        query = select(*columns).where(heads.c.workflow_id == workflow_id)
        return connection.execute(query).one_or_none()

    @staticmethod
    def _published(connection: Connection, workflow_id: str, version: str) -> Row[Any, Any] | None:
        query = select(versions.c.digest, versions.c.revision).where(
            versions.c.workflow_id == workflow_id, versions.c.version == version
        )
        return connection.execute(query.limit(1)).one_or_none()


def stored_workflows(connection: Connection, names: Collection[str]) -> set[str]:
    """Which of some names are those of workflows, active or not."""
    query = select(heads.c.workflow_id).where(heads.c.workflow_id.in_(sorted(names)))
    return set(connection.execute(query).scalars().all())


def refuse_live(connection: Connection, workflow_id: str) -> None:
    """Refuse an operation while a workflow has instances that have not ended.

    :raises Conflict: ``live-instances``
    """
    query = select(func.count()).select_from(instances).where(instances.c.workflow_id == workflow_id)
    live = connection.execute(query.where(instances.c.status.in_(("running", "suspended")))).scalar_one()
    if live:
        message = f"Workflow {workflow_id!r} has {live} instances that have not ended"
        hint = "wait until they have ended, cancel them, or let them continue to their end with --allow-live"
        raise Conflict(message, code=ProblemCode.LIVE_INSTANCES, pointer=workflow_id, suggestion=hint)


def check_version(
    definition: WorkflowDefinition, content: str, head: str, published: str | None, *, force: bool
) -> None:
    """Whether a version may follow the head (rule D4).

    :param content: digest of what is to be published
    :param head: version of the current head
    :param published: digest that this version was published with before, if it was
    :raises Conflict: ``version-reused`` or ``version-lower``
    """
    name, version = definition.workflow_id, definition.version
    if published is not None and published != content:
        message = f"Version {version} of workflow {name!r} was published with other content"
        raise Conflict(
            message,
            code=ProblemCode.VERSION_REUSED,
            pointer="/version",
            suggestion=f"give the new content a version higher than {head}",
        )
    if not force and Version.parse(version) < Version.parse(head):
        message = f"Version {version} of workflow {name!r} is lower than the current {head}"
        raise Conflict(
            message,
            code=ProblemCode.VERSION_LOWER,
            pointer="/version",
            suggestion=f"use a version higher than {head}, or force it to roll back",
        )
