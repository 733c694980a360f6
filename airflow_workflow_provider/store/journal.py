"""From the events of the machine to rows of the execution log (rules L1, L2, L4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from airflow_workflow_provider.model.paths import Allowance, Exhausted, PathError, parse_path, values_at
from airflow_workflow_provider.store.logs import Level, LogEntry

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.events import Event
    from airflow_workflow_provider.engine.masking import Masker

MAX_LOOKS: Final = 1_000_000
"""Parts of documents that are looked at for the metadata of one instance; what needs more is left out."""


def metadata_of(names: Sequence[str], *documents: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the values that ``executionLog.metadata`` names, each from the first document that has it.

    :param names: dotted paths
    :param documents: where to look, in order: the run's ``conf``, the event, the input
    """
    found: dict[str, Any] = {}
    allowed = Allowance(MAX_LOOKS)
    for name in names:
        for document in documents:
            present, value = _look_up(document, name, allowed)
            if present:
                found[name] = value
                break
    return found


def entries(events: Sequence[Event], masker: Masker, metadata: Mapping[str, Any]) -> list[LogEntry]:
    """Return the rows for events, secrets masked.

    :param metadata: stored with every row
    """
    masked = masker.mask_metadata(metadata) or None
    return [
        LogEntry(
            event=event.name,
            level=cast("Level", event.level),
            at=event.at,
            step_id=event.step_id,
            scope=event.scope,
            visit=event.visit,
            attempt=event.attempt,
            metadata=masked,
            data=masker.mask(event.data) or None,
        )
        for event in events
    ]


def by(row: LogEntry, actor: dict[str, Any], via: str) -> LogEntry:
    """Return a row that records who did it, and through which interface."""
    return replace(row, actor=actor, data={**(row.data or {}), "via": via})


def _look_up(document: Mapping[str, Any] | None, name: str, allowed: Allowance) -> tuple[bool, Any]:
    if document is not None and name in document:
        return True, document[name]
    try:
        path = parse_path(name)
    except PathError:
        return False, None
    try:
        for value in values_at(document, path, allowed):
            return True, value
    except Exhausted:
        pass
    return False, None
