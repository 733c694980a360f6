"""Failed instances, grouped by what made them fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from airflow_workflow_provider.store.filtering import EVERYTHING, InstanceFilter, conditions
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

MAX_CAUSES: Final = 100


@dataclass(frozen=True)
class Cause:
    """Failures of the same kind in the same step.

    :param step_id: where they occurred; null for the workflow itself
    :param count: how many instances failed so
    :param first: when the oldest of them started
    :param last: when the newest of them started
    """

    workflow_id: str
    step_id: str | None
    error_type: str | None
    error_code: str | None
    count: int
    first: datetime
    last: datetime


class Causes:
    """Counts failures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, only: InstanceFilter = EVERYTHING, *, limit: int = 20) -> list[Cause]:
        """The causes of the failures among some instances, the most frequent first; cancellations are none.

        :param limit: how many at most, up to 100
        :raises Misuse: a status that does not exist
        """
        if any(names is not None and "failed" not in names for names in (only.statuses, only.display_statuses)):
            return []
        kind = [instances.c[name] for name in ("workflow_id", "error_step_id", "error_type", "error_code")]
        number, last = func.count(), func.max(instances.c.started_at)
        query = (
            select(*kind, number, func.min(instances.c.started_at), last)
            .where(
                *conditions(replace(only, statuses=None, display_statuses=None)),
                instances.c.status == "failed",
                instances.c.error_type.is_distinct_from(ErrorType.CANCELLED.value),
            )
            .group_by(*kind)
            .order_by(number.desc(), last.desc(), *kind)
            .limit(max(1, min(limit, MAX_CAUSES)))
        )
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return [Cause(*each) for each in map(tuple, rows)]
