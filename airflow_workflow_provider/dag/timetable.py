"""When the schedules of a workflow are due: an Airflow timetable made of Airflow's own ones (rule E6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_workflow_provider.engine.scheduling import Due
from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.definition import Schedule
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.schedules import CRON_NAMES, FIRST_DATE, LAST_DATE, parse_date

if TYPE_CHECKING:
    from pendulum import DateTime


class WorkflowTimetable(Timetable):
    """Makes a run for each time of each schedule of a workflow.

    :param schedules: the schedules as JSON, in the order of the definition
    :param since: for each of them an ISO 8601 time; none of its times up to then counts
    :raises InvalidDefinition: a timetable cannot be made as a schedule says
    """

    def __init__(self, schedules: Sequence[dict[str, Any]], since: Sequence[str]) -> None:
        self._given = {"schedules": list(schedules), "since": list(since)}
        self._schedules = [
            _Times(number, Schedule.model_validate(schedule), datetime.fromisoformat(begin))
            for number, (schedule, begin) in enumerate(zip(schedules, since, strict=True))
        ]
        self.description = "; ".join(each.description for each in self._schedules)

    @property
    def summary(self) -> str:
        """What Airflow's list of DAGs shows."""
        return "; ".join(each.summary for each in self._schedules)

    def serialize(self) -> dict[str, Any]:
        """Return the arguments as JSON."""
        return self._given

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> WorkflowTimetable:
        """Return the timetable that :meth:`serialize` wrote."""
        return cls(**data)

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Return the interval of a run that somebody triggers: the moment itself."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next run of all schedules.

        :param restriction: the dates of a backfill, which makes a run for each time between them
        """
        last = None if last_automated_data_interval is None else last_automated_data_interval.end
        if restriction.earliest is not None:
            begin = restriction.earliest - timedelta(microseconds=1)
            first = self._first(begin if last is None else max(begin, last))
        else:
            first = min((found for each in self._schedules if (found := each.next(last))), default=None)
        if first is None or (restriction.latest is not None and first > restriction.latest):
            return None
        return DagRunInfo.exact(pendulum.instance(first))

    def times_after(self, moment: datetime) -> Iterator[Due]:
        """Yield what is due after a moment, in order, whatever has run already."""
        found = self._first(_end_of_second(moment))
        while found is not None:
            yield Due.of_moment(found)
            found = self._first(found)

    def _first(self, after: datetime) -> datetime | None:
        return min((found for each in self._schedules if (found := each.after(after))), default=None)


def timetable_of(schedules: Sequence[Schedule], since: Sequence[str]) -> WorkflowTimetable:
    """Return the timetable of a definition's schedules.

    :param since: as :class:`WorkflowTimetable` has it
    """
    return WorkflowTimetable(
        [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in schedules], since
    )


class _Times:
    """The times of one schedule, moved by as many microseconds as its position (see :class:`Due`)."""

    def __init__(self, number: int, schedule: Schedule, since: datetime) -> None:
        self._number = number
        self._schedule = schedule
        self._since = _end_of_second(since)
        self._timetable = _timetable(schedule)
        start, self._end = parse_date(schedule.start_date), parse_date(schedule.end_date)
        self._before_start = None if start is None else start - timedelta(microseconds=1)

    @property
    def summary(self) -> str:
        schedule = self._schedule
        return f"{schedule.when} {schedule.timezone}" if schedule.cron is not None else schedule.when

    @property
    def description(self) -> str:
        about = self._timetable.description
        return f"{about}, {self._schedule.timezone}" if about else self.summary

    def next(self, last: datetime | None) -> datetime | None:
        """Return the time that is to run next.

        :param last: of the last run of any schedule
        """
        after = self._since if last is None else max(self._since, last)
        return self._found(after, catchup=self._schedule.catchup)

    def after(self, moment: datetime) -> datetime | None:
        """Return the first time after a moment."""
        return self._found(moment, catchup=True)

    def _found(self, after: datetime, *, catchup: bool) -> datetime | None:
        if self._before_start is not None:
            after = max(after, self._before_start)
        if after > LAST_DATE:
            return None
        # All times are whole seconds, so those after a moment are those after its second.
        second = (after - timedelta(microseconds=self._number)).replace(microsecond=0)
        found = self._timetable.next_dagrun_info(
            last_automated_data_interval=DataInterval.exact(pendulum.instance(second)),
            restriction=TimeRestriction(earliest=None, latest=None, catchup=catchup),
        )
        if found is None or (self._end is not None and found.run_after > self._end):
            return None
        return Due(found.run_after.replace(microsecond=0), self._number).moment


def _end_of_second(moment: datetime) -> datetime:
    """Return the last moment of a second, which is after all that is due in it."""
    return moment.replace(microsecond=999_999)


def _timetable(schedule: Schedule) -> Timetable:
    if schedule.cron is not None:
        return CronTriggerTimetable(CRON_NAMES.get(schedule.cron, schedule.cron), timezone=schedule.timezone)
    if schedule.every is not None:
        return _Every(parse_duration(schedule.every), parse_date(schedule.start_date) or FIRST_DATE)
    return _imported(schedule.timetable or "", schedule.arguments or {})


def _imported(path: str, arguments: dict[str, Any]) -> Timetable:
    try:
        found: type[Timetable] = resolve_name(path)
        return found.deserialize(arguments)
    except (ImportError, AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"Timetable {path!r} cannot be used: {type(error).__name__}: {error}"
        raise InvalidDefinition(message) from error


class _Every(Timetable):
    """Times of a fixed distance; Airflow's own timetable counts from when it happens to run first.

    :param begin: where the counting starts, 1970 without a ``startDate``
    """

    def __init__(self, distance: timedelta, begin: datetime) -> None:
        self._distance = distance
        self._begin = begin
        self.description = f"Every {distance}"

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the first time after the last one; without catchup the last one that has passed, if it is later."""
        number = 0
        if last_automated_data_interval is not None:
            number = max(number, self._passed(last_automated_data_interval.end) + 1)
        if not restriction.catchup:
            number = max(number, self._passed(datetime.now(UTC)))
        try:
            return DagRunInfo.exact(pendulum.instance(self._begin + number * self._distance))
        except OverflowError:
            return None

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Return the moment itself."""
        return DataInterval.exact(run_after)

    def _passed(self, moment: datetime) -> int:
        return int(moment.timestamp() - self._begin.timestamp()) // int(self._distance.total_seconds())
