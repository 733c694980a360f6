"""Filters of instances, as conditions of SQL."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, String, any_, bindparam, func, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as UUIDType

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.display import are_stored, displayed, stored_as
from airflow_workflow_provider.store.finding import MAX_ERROR_TEXT, MAX_STARTED_BY
from airflow_workflow_provider.store.jsonpath import InputCondition, holds
from airflow_workflow_provider.store.statuses import STATUSES
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.vocabulary import ProblemCode


@dataclass(frozen=True)
class InstanceFilter:
    """Which instances; what is null does not restrict, and all that is given must hold.

    :param workflow_ids: of any of these workflows
    :param statuses: any of these
    :param display_statuses: shown with any of these
    :param started_from: started then or later
    :param started_before: started earlier
    :param current_step_id: whose most recently activated step is this (rule I4)
    :param step_id: whose most recently activated step, or the one in which they failed, is this
    :param search: a text in the correlation id or the run id, whatever its case, or an instance's whole id
    :param error_type: type of the error with which they failed
    :param error_code: its code; empty for an error without one
    :param error_step_id: the step in which it occurred; empty for an error of the workflow itself
    :param started_by: name of the user who started them
    :param ids: any of these instances
    :param input: what must hold for the input
    :param compensation_owed: whether compensations are still to be run although it has ended
    """

    workflow_id: str | None = None
    workflow_ids: Collection[str] | None = None
    version: str | None = None
    statuses: Collection[str] | None = None
    correlation_id: str | None = None
    current_step_id: str | None = None
    started_from: datetime | None = None
    started_before: datetime | None = None
    parent_instance_id: UUID | None = None
    input: Sequence[InputCondition] = ()
    compensation_owed: bool | None = None
    step_id: str | None = None
    search: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    error_step_id: str | None = None
    started_by: str | None = None
    ids: Collection[UUID] | None = None
    display_statuses: Collection[str] | None = None


EVERYTHING: Final = InstanceFilter()

INDEXED: Final = ("workflow_id", "workflow_ids", "statuses")
"""Fields that most indexes of instances begin with or include."""

_EQUAL: Final = ("version", "correlation_id", "current_step_id", "parent_instance_id")
_OF_ERRORS: Final = ("error_type", "error_code", "error_step_id")


def conditions(only: InstanceFilter, table: Any = instances, *, apart: bool = False) -> list[ColumnElement[bool]]:
    """Return what must hold for the rows of a filter.

    :param table: the table of instances, or an alias of it
    :param apart: leave out which workflows and statuses
    :raises Misuse: a status that does not exist
    """
    within = () if apart else _of_workflows(only, table)
    columns = (*_of_columns(only, table), *_displayed_as(only, table))
    return [*within, *columns, *_of_times(only, table), *_of_errors(only, table)]


def workflows_of(only: InstanceFilter) -> list[str] | None:
    """Return the workflows of a filter; null for all."""
    if only.workflow_id is None:
        return None if only.workflow_ids is None else sorted(set(only.workflow_ids))
    permitted = only.workflow_ids is None or only.workflow_id in only.workflow_ids
    return [only.workflow_id] if permitted else []


def known(statuses: Collection[str]) -> list[str]:
    """Return statuses in order.

    :raises Misuse: one of them does not exist
    """
    unknown = sorted(set(statuses) - set(STATUSES))
    if unknown:
        message = f"Unknown status {unknown}; allowed are {list(STATUSES)}"
        raise Misuse(message, code=ProblemCode.BAD_FILTER, pointer="status")
    return sorted(statuses)


def _of_workflows(only: InstanceFilter, table: Any) -> Iterator[ColumnElement[bool]]:
    workflows = workflows_of(only)
    if workflows is not None:
        yield table.c.workflow_id == any_(bindparam(None, workflows, ARRAY(String)))
    if only.statuses is not None:
        yield table.c.status.in_(known(only.statuses))


def _displayed_as(only: InstanceFilter, table: Any) -> Iterator[ColumnElement[bool]]:
    wanted = only.display_statuses
    if wanted is not None:
        # Which statuses are stored for them is said apart, for that is what indexes know.
        yield table.c.status.in_(known(stored_as(wanted)))
        if not are_stored(wanted):
            yield displayed(table).in_(sorted(wanted))


def _of_columns(only: InstanceFilter, table: Any) -> Iterator[ColumnElement[bool]]:
    for name in _EQUAL:
        wanted = getattr(only, name)
        if wanted is not None:
            yield table.c[name] == wanted
    if only.ids is not None:
        yield table.c.id == any_(bindparam(None, list(only.ids), ARRAY(UUIDType)))
    if only.step_id is not None:
        yield or_(table.c.current_step_id == only.step_id, table.c.error_step_id == only.step_id)
    if only.started_by is not None:
        yield table.c.started_by == only.started_by[:MAX_STARTED_BY]
    if only.search is not None:
        yield _found(only.search, table)
    for condition in only.input:
        yield holds(table.c.input, condition)
    if only.compensation_owed is not None:
        owes = table.c.compensations_owed > 0
        yield owes if only.compensation_owed else ~owes


def _of_times(only: InstanceFilter, table: Any) -> Iterator[ColumnElement[bool]]:
    if only.started_from is not None:
        yield table.c.started_at >= only.started_from
    if only.started_before is not None:
        yield table.c.started_at < only.started_before


def _of_errors(only: InstanceFilter, table: Any) -> Iterator[ColumnElement[bool]]:
    wanted = {name: text for name in _OF_ERRORS if (text := getattr(only, name)) is not None}
    if wanted:
        # Only failed instances have an error; saying so lets their index be used.
        yield table.c.status == "failed"
    for name, text in wanted.items():
        yield table.c[name].is_(None) if text == "" else table.c[name] == text[:MAX_ERROR_TEXT]


def _found(search: str, table: Any) -> ColumnElement[bool]:
    literally = re.sub(r"([%_/])", r"/\1", search)
    # In the database, for the column is in lower case by its rules.
    anywhere = [table.c.search_text.like(func.concat("%", func.lower(literally), "%"), escape="/")]
    with suppress(ValueError):
        anywhere.append(table.c.id == UUID(search))
    return or_(*anywhere)
