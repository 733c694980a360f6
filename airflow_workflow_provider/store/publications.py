"""What publishing workflows and publishing tasks have in common."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, String, Table, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from airflow_workflow_provider.errors import Conflict, InvalidDefinition
from airflow_workflow_provider.model.json_text import value_findings
from airflow_workflow_provider.store.tables import (
    revision_sequence,
    task_definition_versions,
    workflow_definition_versions,
    workflow_definitions,
)
from airflow_workflow_provider.vocabulary import ProblemCode

PUBLISH_KEY: Final = 7_206_041_120_331_904_002

Outcome = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True)
class Published:
    """What a publication did.

    :param revision: the head's revision afterwards
    :param outcome: ``unchanged`` when the same content was the head already
    """

    revision: int
    outcome: Outcome


def enter_publication(connection: Connection) -> None:
    """Let only one publication at a time proceed, until its transaction ends.

    So the rules are checked against what is really the head; and revisions become visible in their order, or a reader
    that has seen revision 6 would never look for a 5 that is committed later.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PUBLISH_KEY})


def check_expected(name: str, expected: int | None, head: int | None) -> None:
    """Whether the head is what the publisher has seen; call it inside :func:`enter_publication`.

    :param expected: the head's revision as the publisher knows it, 0 for none; null where any will do
    :param head: the head's revision, null where there is none
    :raises Conflict: ``revision-changed``: somebody else published meanwhile
    """
    if expected is None or expected == (head or 0):
        return
    is_now = f"is revision {head} now" if head else "does not exist"
    wanted = f"revision {expected} was expected" if expected else "it was expected not to exist"
    message = f"{name!r} {is_now}; {wanted}"
    suggestion = "read it again and apply the change to the current version"
    raise Conflict(message, code=ProblemCode.REVISION_CHANGED, suggestion=suggestion)


def next_revision(connection: Connection) -> int:
    """A new revision; call it inside :func:`enter_publication`."""
    return int(connection.execute(select(revision_sequence.next_value())).scalar_one())


def highest_revision(connection: Connection) -> int:
    """The newest revision of workflows and tasks together; 0 when nothing was published yet.

    Activating or deactivating a workflow that has schedules counts too.
    """
    counters = (
        workflow_definition_versions.c.revision,
        task_definition_versions.c.revision,
        workflow_definitions.c.activation_revision,
    )
    newest = [func.coalesce(select(func.max(counter)).scalar_subquery(), 0) for counter in counters]
    return int(connection.execute(select(func.greatest(*newest))).scalar_one())


def latest_rows(table: Table, key: str, revision: int, only: Collection[str] | None) -> Any:
    """Of each workflow or task, or of some, the row that was its newest at a revision, by name."""
    newest = select(func.max(table.c.revision)).where(table.c.revision <= revision).group_by(table.c[key])
    if only is not None:
        newest = newest.where(table.c[key] == any_(bindparam(None, sorted(only), ARRAY(String))))
    return select(table).where(table.c.revision.in_(newest)).order_by(table.c[key])


def refuse_unstorable(document: dict[str, Any], name: str) -> None:
    """A definition is kept as it is or not at all.

    :raises InvalidDefinition: it has what PostgreSQL cannot store, such as a NUL character
    """
    found = value_findings(document)
    if found:
        message = f"{name} cannot be stored"
        raise InvalidDefinition(message, found)


def refuse_unreadable(document: object, what: str) -> None:
    """A document that was changed manually into something else than an object counts as missing.

    :raises Conflict: ``stored-definition-unreadable``
    """
    if not isinstance(document, dict):
        raise unreadable_definition(what, "it is no object")


def unreadable_definition(what: str, reason: str) -> Conflict:
    """The error that what is stored of a definition means nothing."""
    return Conflict(
        f"What is stored of {what} is no definition: {reason}",
        code=ProblemCode.STORED_DEFINITION_UNREADABLE,
        suggestion="restore the row from a backup, or publish a version with the right content",
    )
