"""Times at which a workflow starts: what a schedule may say (rule E6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.words import listed, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Schedule

MAX_SCHEDULES: Final = 100
"""Schedules of one definition; the microseconds of a run's logical date count them."""

FIRST_DATE: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_DATE: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""What a date may be, far enough from the ends of the calendar to count from."""

CRON_NAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
WAYS: Final = ("cron", "every", "timetable")

_FIELDS: Final = 5
_MAX_CRON: Final = 200
_MAX_ZONE: Final = 100
_CRON: Final = re.compile(r"[0-9A-Za-z*/,\-#?]+")
_RANDOM: Final = re.compile(r"\b[HR]\b", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")


@lru_cache(maxsize=1024)
def parse_date(text: str | None) -> datetime | None:
    """A moment as ``startDate`` and ``endDate`` name it; None for None.

    :param text: RFC 3339 in whole seconds
    :raises ValueError: it is not such a text
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text) if _DATE.fullmatch(text) else None
        if found is not None and FIRST_DATE <= found <= LAST_DATE:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        found = None
    if found is not None:
        msg = f"{shown(text)} is too far from today; write a time from 1970 to 9000"
        raise ValueError(msg)
    msg = f"{shown(text)} is not a time with an offset; write for example 2026-03-01T00:00:00Z"
    raise ValueError(msg)


def problems_of(schedule: Schedule) -> list[tuple[str | None, str]]:
    """What is wrong with a schedule: the key, or None for the schedule as a whole, and what to say."""
    return [
        *_ways(schedule),
        *_of("cron", schedule.cron, _cron_problem),
        *_of("every", schedule.every, _every_problem),
        *_of("timezone", schedule.timezone, _zone_problem),
        *_dates(schedule),
    ]


def _of(key: str, text: str | None, problem: Callable[[str], str | None]) -> list[tuple[str | None, str]]:
    found = None if text is None else problem(text)
    return [] if found is None else [(key, found)]


def _ways(schedule: Schedule) -> list[tuple[str | None, str]]:
    given = [name for name in WAYS if getattr(schedule, name) is not None]
    found: list[tuple[str | None, str]] = []
    if len(given) != 1:
        what = f"has {' and '.join(given)}" if given else "says nothing of when"
        found.append((None, f"The schedule {what}; give one of {listed(WAYS)}"))
    if schedule.arguments is not None and schedule.timetable is None:
        found.append(("arguments", "arguments are those of a timetable, and there is none"))
    return found


def _cron_problem(text: str) -> str | None:
    from croniter import CroniterBadCronError, CroniterBadDateError, croniter

    expression = CRON_NAMES.get(text, text)
    fields = expression.split()
    names = f"write five fields, for example 0 7 * * 1-5, or one of {listed(CRON_NAMES)}"
    if len(text) > _MAX_CRON or len(fields) != _FIELDS or not all(map(_CRON.fullmatch, fields)):
        return f"{shown(text)} is not a cron expression; {names}"
    if _RANDOM.search(expression):
        return f"{shown(text)} has H or R, which stand for random times; {names}"
    try:
        croniter(expression, datetime(2000, 1, 1)).get_next(datetime)  # noqa: DTZ001 - local to any time zone
    except CroniterBadDateError:
        return f"{shown(text)} names a day that does not exist"
    except (CroniterBadCronError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        return f"{shown(text)} is not a cron expression: {error}; {names}"
    return None


def _every_problem(text: str) -> str | None:
    try:
        distance = parse_duration(text)
    except ValueError as error:
        return str(error)
    if distance < timedelta(seconds=1) or distance.microseconds:
        return f"{shown(text)} must be whole seconds, at least one"
    return None


def _zone_problem(text: str) -> str | None:
    if len(text) <= _MAX_ZONE and text in _zones():
        return None
    return f"{shown(text)} is not a time zone; write for example Europe/Berlin, America/New_York or UTC"


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    # Those of the package: a machine may have others, and takes long to list them.
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(names) - {"Factory"}


def _dates(schedule: Schedule) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    dates = {}
    for key, text in (("startDate", schedule.start_date), ("endDate", schedule.end_date)):
        try:
            dates[key] = parse_date(text)
        except ValueError as error:
            found.append((key, str(error)))
    start, end = dates.get("startDate"), dates.get("endDate")
    if start is not None and end is not None and end < start:
        found.append(("endDate", f"{schedule.end_date} is before startDate, {schedule.start_date}"))
    return found
