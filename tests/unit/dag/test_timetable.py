"""When the schedules of a workflow are due (rule E6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pendulum
import pytest
import time_machine
from airflow.timetables.base import DataInterval, TimeRestriction

from airflow_workflow_provider.dag.timetable import WorkflowTimetable
from airflow_workflow_provider.engine.scheduling import Due
from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.schedules import parse_date

LONG_AGO = "2020-01-01T00:00:00+00:00"
SCHEDULER = TimeRestriction(earliest=None, latest=None, catchup=False)


def timetable(*schedules: dict[str, Any], since: str = LONG_AGO) -> WorkflowTimetable:
    return WorkflowTimetable(schedules, [since] * len(schedules))


def local(found: WorkflowTimetable, zone: str, after: str, number: int) -> list[str]:
    times = islice(found.times_after(datetime.fromisoformat(after)), number)
    return [pendulum.instance(each.at).in_timezone(zone).strftime("%d %H:%M %z") for each in times]


# Of each zone, the days on which its clocks are put forward and back, at an hour that then is left out or comes twice.
@pytest.mark.parametrize(
    ("zone", "cron", "after", "times"),
    [
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T00:00Z", ["28 02:30 +0100", "29 03:30 +0200", "30 02:30 +0200"]),
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T00:00Z", ["24 02:30 +0200", "25 02:30 +0100", "26 02:30 +0100"]),
        ("America/New_York", "30 2 * * *", "2026-03-07T00:00Z", ["07 02:30 -0500", "08 03:30 -0400", "09 02:30 -0400"]),
        ("America/New_York", "30 1 * * *", "2026-10-31T12:00Z", ["01 01:30 -0500", "02 01:30 -0500", "03 01:30 -0500"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-03T20:00Z", ["05 01:45 +1030", "06 01:45 +1030"]),
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-02T20:00Z", ["04 02:45 +1100", "05 02:15 +1100"]),
    ],
)
def test_e6_a_daily_time_comes_once_a_day_when_clocks_change(
    zone: str, cron: str, after: str, times: list[str]
) -> None:
    assert local(timetable({"cron": cron, "timezone": zone}), zone, after, len(times)) == times


@pytest.mark.parametrize(
    ("zone", "after"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 20, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 24, 20, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 8, 2, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 10, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 10, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize(("cron", "minutes"), [("0 * * * *", 60), ("*/15 * * * *", 15)])
def test_e6_what_is_due_each_hour_continues_when_clocks_change(
    zone: str, after: datetime, cron: str, minutes: int
) -> None:
    found = timetable({"cron": cron, "timezone": zone})
    times = [each.at for each in islice(found.times_after(after), 12 * 60 // minutes)]
    # Lord Howe puts its clocks forward and back by half an hour.
    assert {later - earlier for earlier, later in pairwise(times)} <= {timedelta(minutes=m) for m in (minutes, 30)}


def test_e6_a_fixed_distance_counts_from_its_start_through_clock_changes() -> None:
    found = timetable({"every": "P1D", "startDate": "2026-03-28T06:00:00+01:00", "timezone": "Europe/Berlin"})
    assert local(found, "Europe/Berlin", "2026-01-01T00:00:00+00:00", 3) == [
        "28 06:00 +0100",
        "29 07:00 +0200",
        "30 07:00 +0200",
    ]


def test_e6_without_a_start_a_fixed_distance_counts_from_1970() -> None:
    found = timetable({"every": "PT7H"})
    (due,) = islice(found.times_after(datetime(2026, 1, 1, tzinfo=UTC)), 1)
    assert due.at.timestamp() % (7 * 3600) == 0


def test_e6_schedules_that_are_due_at_once_have_a_moment_each() -> None:
    found = timetable({"cron": "0 6 * * *"}, {"every": "PT12H"}, {"cron": "0 6 * * 1"})
    times = list(islice(found.times_after(datetime(2026, 3, 29, 12, tzinfo=UTC)), 5))
    midnight, six = datetime(2026, 3, 30, tzinfo=UTC), datetime(2026, 3, 30, 6, tzinfo=UTC)
    assert [(each.at, each.number) for each in times] == [
        (midnight, 1),
        (six, 0),
        (six, 2),
        (midnight + timedelta(hours=12), 1),
        (midnight + timedelta(days=1), 1),
    ]
    assert len({each.moment for each in times}) == 5


@time_machine.travel(datetime(2026, 6, 1, 12, 30, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("catchup", "last", "expected"),
    [
        (False, None, "2026-06-01T12:00:00+00:00"),
        (False, "2026-06-01T09:00:00+00:00", "2026-06-01T12:00:00+00:00"),
        (False, "2026-06-01T12:00:00+00:00", "2026-06-01T13:00:00+00:00"),
        (True, None, "2026-06-01T09:00:00+00:00"),
        (True, "2026-06-01T09:00:00+00:00", "2026-06-01T10:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("way", [{"cron": "@hourly"}, {"every": "PT1H"}])
def test_e6_of_missed_times_the_latest_is_made_up_for_or_all(
    way: dict[str, str], catchup: bool, last: str | None, expected: str
) -> None:
    found = timetable({**way, "catchup": catchup}, since="2026-06-01T08:59:00+00:00")
    interval = None if last is None else DataInterval.exact(pendulum.instance(datetime.fromisoformat(last)))
    info = found.next_dagrun_info(last_automated_data_interval=interval, restriction=SCHEDULER)
    assert info is not None
    assert info.run_after.isoformat() == expected
    assert info.logical_date == info.run_after


@time_machine.travel(datetime(2026, 6, 1, 12, 30, tzinfo=UTC), tick=False)
def test_e6_a_new_schedule_starts_with_its_first_time_after_it_was_published() -> None:
    found = timetable({"cron": "0 * * * *"}, since="2026-06-01T12:29:00+00:00")
    info = found.next_dagrun_info(last_automated_data_interval=None, restriction=SCHEDULER)
    assert info is not None
    assert info.run_after.isoformat() == "2026-06-01T13:00:00+00:00"


def test_e6_nothing_is_due_outside_of_its_dates() -> None:
    dates = {"startDate": "2026-03-02T00:00:00Z", "endDate": "2026-03-04T00:00:00Z"}
    for way in ({"cron": "@daily"}, {"every": "P1D"}):
        found = timetable({**way, **dates})
        times = [each.at.day for each in found.times_after(datetime(2026, 1, 1, tzinfo=UTC))]
        assert times == [2, 3, 4], way


def test_e6_a_backfill_makes_a_run_for_each_time_between_its_dates() -> None:
    found = timetable({"cron": "0 0 * * *"}, {"every": "P1D", "endDate": "2026-03-02T12:00:00Z"})
    restriction = TimeRestriction(
        earliest=pendulum.datetime(2026, 3, 1), latest=pendulum.datetime(2026, 3, 3), catchup=True
    )
    runs, last = [], None
    while (info := found.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)) is not None:
        runs.append(Due.of_moment(info.run_after))
        last = info.data_interval
    assert [(each.at.day, each.number) for each in runs] == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]


def test_e6_the_timetable_of_a_plugin_is_asked_in_its_own_words() -> None:
    dates = ["2026-03-01T00:00:00+00:00", "2026-05-01T00:00:00+00:00"]
    arguments = {"event_dates": dates, "restrict_to_events": False, "description": "Quarters", "_summary": "q"}
    found = timetable({"timetable": "airflow.timetables.events.EventsTimetable", "arguments": arguments})
    times = found.times_after(datetime(2026, 1, 1, tzinfo=UTC))
    assert [each.at.isoformat() for each in islice(times, 2)] == dates
    assert "Quarters" in found.description


@pytest.mark.parametrize("path", ["no.such.Timetable", "json.loads", "airflow.timetables.events.EventsTimetable"])
def test_e6_a_timetable_that_cannot_be_made_is_refused(path: str) -> None:
    with pytest.raises(InvalidDefinition, match="cannot be used"):
        timetable({"timetable": path, "arguments": {"unknown": 1}})


def test_airflow_reads_back_what_it_serialized() -> None:
    found = timetable({"cron": "0 7 * * 1-5", "timezone": "Europe/Berlin"}, {"every": "PT5M", "catchup": True})
    again = WorkflowTimetable.deserialize(found.serialize())
    after = datetime(2026, 3, 27, tzinfo=UTC)
    assert list(islice(again.times_after(after), 20)) == list(islice(found.times_after(after), 20))
    assert again.summary == found.summary == "0 7 * * 1-5 Europe/Berlin; PT5M"


@pytest.mark.parametrize(
    ("run_id", "expected"),
    [
        ("scheduled__2026-03-01T07:00:00+00:00", Due(datetime(2026, 3, 1, 7, tzinfo=UTC), 0)),
        ("backfill__2026-03-01T07:00:00.000012+00:00", Due(datetime(2026, 3, 1, 7, tzinfo=UTC), 12)),
        ("manual__2026-03-01T07:00:00+00:00", None),
        ("scheduled__2026-03-01", None),
        ("scheduled__2026-03-01T07:00:00+00:00 ", None),
        ("api__1", None),
    ],
)
def test_a_run_says_in_its_id_what_it_is_for(run_id: str, expected: Due | None) -> None:
    assert Due.of_run(run_id) == expected


@pytest.mark.parametrize(
    "schedule", [{"every": "P1000000D"}, {"every": "P1D", "startDate": "9000-01-01T00:00:00Z", "timezone": "UTC"}]
)
def test_e6_nothing_is_due_after_the_end_of_the_calendar(schedule: dict[str, str]) -> None:
    found = timetable(schedule)
    last = DataInterval.exact(pendulum.datetime(9999, 12, 31, 23))
    assert list(found.times_after(datetime(9999, 12, 31, 23, tzinfo=UTC))) == []
    assert found.next_dagrun_info(last_automated_data_interval=last, restriction=SCHEDULER) is None


def test_e6_a_time_of_cron_after_the_end_of_the_calendar_is_none() -> None:
    assert list(timetable({"cron": "0 7 * * *"}).times_after(datetime(9999, 12, 31, 23, tzinfo=UTC))) == []


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T00:00:00Z"])
def test_e6_dates_far_from_today_are_refused(date: str) -> None:
    with pytest.raises(ValueError, match="from 1970 to 9000"):
        parse_date(date)
