"""The status of an instance in people's words, in Python and in SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import ColumnElement, case, literal_column

from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.vocabulary import ErrorType

DISPLAY_STATUSES: Final[dict[str, str]] = {
    "running": "running",
    "queued": "suspended",
    "waiting": "suspended",
    "suspended": "suspended",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "failed",
}
"""How an instance is shown, and the status that is stored for it."""


def display_status(status: str, error_type: Any, *, suspended_by_operator: bool, queued: bool) -> str:
    """Return how an instance is shown: ``waiting`` or ``queued`` where nobody has suspended it, ``cancelled``."""
    if status == "suspended" and not suspended_by_operator:
        return "queued" if queued else "waiting"
    return "cancelled" if status == "failed" and error_type == ErrorType.CANCELLED else status


def displayed(table: Any = instances) -> ColumnElement[str]:
    """Return :func:`display_status` as an expression of SQL; the state is read of suspended instances only."""
    suspended = table.c.status == "suspended"
    return case(
        (suspended & table.c.state.has_key("suspension"), "suspended"),
        (suspended & table.c.state.has_key("queuedAt"), "queued"),
        (suspended, "waiting"),
        (is_cancelled(table), "cancelled"),
        else_=table.c.status,
    )


def is_cancelled(table: Any = instances) -> ColumnElement[bool]:
    """Return what holds for cancelled instances; the index of failed ones has all that it needs."""
    # As literals, so that the partial index is known to have them.
    failed: ColumnElement[bool] = table.c.status == literal_column("'failed'")
    cancelled: ColumnElement[bool] = table.c.error_type == literal_column(f"'{ErrorType.CANCELLED.value}'")
    return failed & cancelled


def stored_as(wanted: Collection[str]) -> set[str]:
    """Return the statuses that are stored for some that are shown; one that does not exist is returned as it is."""
    return {DISPLAY_STATUSES.get(each, each) for each in wanted}


def are_stored(wanted: Collection[str]) -> bool:
    """Return whether the stored statuses alone decide which instances are shown with these."""
    stored = stored_as(wanted)
    return {shown for shown, status in DISPLAY_STATUSES.items() if status in stored} <= set(wanted)
