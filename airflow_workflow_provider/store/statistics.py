"""How instances have been doing over time: numbers by hour or day, durations, who is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Connection, String, any_, bindparam, cast, extract, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, INTERVAL

from airflow_workflow_provider.store.display import is_cancelled
from airflow_workflow_provider.store.filtering import InstanceFilter, conditions, workflows_of
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.store.tables import workflow_questions as questions

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

Unit = Literal["hour", "day"]

MAX_ASKED: Final = 20


@dataclass(frozen=True)
class Bucket:
    """Instances of one hour or day.

    :param start: when it began
    :param counts: of the instances that started in it, by status; a status that none has is left out
    :param cancelled: how many of those that failed were cancelled
    """

    start: datetime
    counts: dict[str, int]
    cancelled: int = 0


@dataclass(frozen=True)
class Durations:
    """How long instances took from their start to their completion, in seconds; null where none has completed."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class Asked:
    """Open questions to the same people.

    :param who: who may answer: ``role:``, ``group:`` or ``user:`` and a name
    :param oldest: when the first of them was asked
    """

    who: str
    count: int
    oldest: datetime


class Statistics:
    """Counts and measures instances."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def buckets(self, only: InstanceFilter, unit: Unit, *, origin: datetime) -> list[Bucket]:
        """The instances that started in each hour or day, in order; one without instances is left out.

        :param origin: the beginning of an hour or day, which decides where the others begin
        """
        width = cast(literal(f"1 {unit}"), INTERVAL)
        start = func.date_bin(width, instances.c.started_at, origin).label("start")
        wanted = conditions(only)
        counted = select(start, instances.c.status.label("status"), func.count()).where(*wanted)
        cancelled = select(start, literal("cancelled"), func.count()).where(*wanted, is_cancelled())
        both = union_all(counted.group_by("start", "status"), cancelled.group_by("start"))
        found: dict[datetime, dict[str, int]] = {}
        for at, status, number in self._rows(both.order_by("start")):
            found.setdefault(at, {})[status] = number
        return [Bucket(at, counts, counts.pop("cancelled", 0)) for at, counts in found.items()]

    def durations(self, only: InstanceFilter) -> Durations:
        """The median and the 95th percentile of the durations of those that have completed."""
        took = extract("epoch", instances.c.completed_at - instances.c.started_at)
        percentiles = (func.percentile_cont(share).within_group(took) for share in (0.5, 0.95))
        query = select(*percentiles).where(*conditions(only), instances.c.status == "completed")
        ((p50, p95),) = self._rows(query)
        return Durations(*(None if each is None else float(each) for each in (p50, p95)))

    def asked(self, only: InstanceFilter) -> list[Asked]:
        """Whom open questions ask, those with the most first, at most 20; a question to several counts for each.

        :param only: of which only the workflows count
        """
        who = func.unnest(questions.c["keys"]).label("who")
        asking = select(who, questions.c.asked_at).where(questions.c.status == "open")
        workflows = workflows_of(only)
        if workflows is not None:
            asking = asking.join(instances, instances.c.id == questions.c.instance_id)
            asking = asking.where(instances.c.workflow_id == any_(bindparam(None, workflows, ARRAY(String))))
        each = asking.subquery("each")
        number = func.count()
        query = select(each.c.who, number, func.min(each.c.asked_at)).group_by(each.c.who)
        rows = self._rows(query.order_by(number.desc(), each.c.who).limit(MAX_ASKED))
        return [Asked(*row) for row in rows]

    def _rows(self, query: Any) -> list[tuple[Any, ...]]:
        def read(connection: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.execute(query).all()]

        return self._database.run(read)
