"""Which workflows a list shows to a user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.api.access import Access
from airflow_workflow_provider.operations.permission import Right

if TYPE_CHECKING:
    from airflow_workflow_provider.api.services import Services
    from airflow_workflow_provider.store.definitions import Head

BATCH: Final = 500
"""Workflows that are read, and whose permissions are asked for, at a time."""


def visible(services: Services, access: Access, *rights: Right, workflow_id: str | None = None) -> set[str]:
    """Return the workflows whose instances a user can read, and on which the user has further rights.

    :param workflow_id: only this one
    """
    found = {workflow_id} if workflow_id is not None else services.definitions.names()
    for right in (Right.READ_INSTANCES, *rights):
        found = access.permitted(right, found)
    return set(found)


def visible_heads(
    services: Services,
    access: Access,
    *,
    words: Iterable[str] = (),
    active: bool | None = None,
    after: str | None = None,
) -> Iterator[Head]:
    """Yield the workflows that a user can read, by id.

    :param words: each of them is in the id, the name or the description, whatever its case
    :param active: only those that are, or are not, active
    :param after: the id after which they begin
    """
    wanted = [word.casefold() for word in words]
    while heads := services.definitions.page(after=after, limit=BATCH, active=active):
        named = [head for head in heads if _has(head, wanted)]
        permitted = access.permitted(Right.READ, (head.workflow_id for head in named))
        yield from (head for head in named if head.workflow_id in permitted)
        after = heads[-1].workflow_id


def _has(head: Head, words: Iterable[str]) -> bool:
    # Not in SQL: there the case of a letter depends on the locale of the database.
    text = f"{head.workflow_id} {head.name} {head.description or ''}".casefold()
    return all(word in text for word in words)
