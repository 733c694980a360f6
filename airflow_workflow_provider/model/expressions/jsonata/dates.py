"""Points in time of JSONata: milliseconds since the epoch, ISO 8601 texts, and texts by a picture.

Pictures are read by jsonata-python. What a picture leaves open is filled in from the time of the activation, never from
the host's clock (rule X3).
"""

from __future__ import annotations

import datetime as dates
import re
from contextvars import ContextVar
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, Final

from jsonata import datetimeutils
from jsonata.datetimeutils import DateTimeUtils

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.jsonata import integers  # noqa: F401 - makes the library exact
from airflow_workflow_provider.model.expressions.jsonata.parser import fault
from airflow_workflow_provider.model.expressions.numbers import Number, shortest

_ISO: Final = re.compile(
    r"([0-9]{4})(?:-([01][0-9]))?(?:-([0-3][0-9]))?(?:T([0-2][0-9]):([0-5][0-9]):([0-5][0-9]))?"
    r"(?:\.([0-9]+))?(?:([+-])([0-2][0-9]):?([0-5][0-9])|Z)?"
)
_EPOCH: Final = dates.datetime(1970, 1, 1, tzinfo=dates.UTC)
_CENTURY: Final = 1900
_TWO_DIGITS: Final = 100
_DAY: Final = 24 * 60 * 60 * 1000
_PICTURE_LIMIT: Final = 1000
_OFFSET: Final = re.compile(r"[+-]?[0-9]{1,4}")

_moment: ContextVar[int] = ContextVar("moment", default=0)


class _Dates(dates.datetime):
    @classmethod
    def utcnow(cls) -> _Dates:
        """The moment of the current evaluation."""
        now = _EPOCH + dates.timedelta(milliseconds=_moment.get())
        return cls(now.year, now.month, now.day, now.hour, now.minute, now.second, now.microsecond)

    @classmethod
    def fromtimestamp(cls, seconds: float, _tz: Any = None) -> _Dates:
        """The time of whole milliseconds; as binary fractions of a second, those of the year 9999 are not exact."""
        found = _EPOCH + dates.timedelta(milliseconds=round(seconds * 1000))
        return cls.combine(found.date(), found.timetz())

    def timestamp(self) -> Fraction:  # type: ignore[override]  # the library computes milliseconds of it
        """Seconds since the epoch, exact."""
        return Fraction(round(super().timestamp() * 1000), 1000)


# The library asks the clock for what a picture leaves open.
datetimeutils.datetime = SimpleNamespace(
    datetime=_Dates, date=dates.date, timedelta=dates.timedelta, timezone=dates.timezone
)

_part_of = DateTimeUtils._generate_regex_with_component
_matcher_of = DateTimeUtils._generate_regex


class _Fraction(DateTimeUtils.MatcherPart):  # type: ignore[misc]  # the library has no type information
    """A fraction of a second, of which milliseconds are kept; the library's takes no others than three digits."""

    def __init__(self) -> None:
        super().__init__("[0-9]+")

    def parse(self, value: str) -> int:
        return int((value + "00")[:3])


class _Year:
    """A year, one of two digits in the twentieth century, as ECMAScript's ``Date.UTC`` has it."""

    def __init__(self, part: Any) -> None:
        self.regex = part.regex
        self._parse = part.parse

    def parse(self, value: str) -> int:
        year: int = self._parse(value)
        return year + _CENTURY if 0 <= year < _TWO_DIGITS else year


class _Name(DateTimeUtils.MatcherPart):  # type: ignore[misc]
    """A name of a month, a day or a half of a day, in capital letters or small ones."""

    def __init__(self, part: Any) -> None:
        super().__init__(part.regex)
        self._lookup = {name.casefold(): number for name, number in part._lookup.items()}

    def parse(self, value: str) -> int:
        found: int | None = self._lookup.get(value.casefold())
        if found is None:
            msg = f"{value!r} is none of {', '.join(self._lookup)}"
            raise ValueError(msg)
        return found


class _Offset(DateTimeUtils.MatcherPart):  # type: ignore[misc]
    """An offset from UTC in minutes; its sign counts for its minutes, too."""

    def __init__(self, part: Any) -> None:
        super().__init__(part.regex)
        self._parse = part.parse

    def parse(self, value: str) -> int:
        minutes: int = self._parse(value.replace("-", "+", 1))
        return -minutes if "-" in value else minutes


def _part(component: str | None, spec: Any) -> Any:
    if component == "f":
        return _Fraction()
    part = _part_of(component, spec)
    return _Year(part) if component == "Y" else part


def _matcher(spec: Any) -> Any:
    found = _matcher_of(spec)
    found.parts = [_exact(part, given) for part, given in zip(found.parts, spec.parts, strict=True)]
    return found


def _exact(part: Any, given: Any) -> Any:
    if given.type == "literal":
        # The library takes a literal for a regular expression.
        made = DateTimeUtils.MatcherPart(re.escape(given.value))
    elif isinstance(part, DateTimeUtils.MatcherPartLookup):
        made = _Name(part)
    elif isinstance(part, DateTimeUtils.MatcherPartTimeZone):
        made = _Offset(part)
    else:
        return part
    made.component = part.component
    return made


DateTimeUtils._generate_regex_with_component = staticmethod(_part)
DateTimeUtils._generate_regex = staticmethod(_matcher)


def to_millis(text: str, picture: str | None, moment: int) -> int | None:
    """Milliseconds since the epoch of a point in time.

    :param text: the point in time
    :param picture: how it is written; None for ISO 8601
    :param moment: the time of the evaluation, in milliseconds since the epoch
    :raises JException: it is not written like this
    """
    if picture is None:
        return _of_iso(text)
    _check_picture("$toMillis", picture)
    before = _moment.set(moment)
    try:
        found: int | None = DateTimeUtils.parse_datetime(text, picture)
    except (RuntimeError, ValueError, KeyError, OverflowError) as error:
        msg = f"$toMillis: the text does not fit the picture: {error}"
        raise ExpressionFailure(msg) from error
    finally:
        _moment.reset(before)
    return found


def _of_iso(text: str) -> int:
    found = _ISO.fullmatch(text)
    if found is None:
        raise fault(-1, "D3110", text)
    year, month, day, hour, minute, second, fraction, sign, *offset = found.groups()
    # The midnight at the end of a day.
    ends = hour == "24" and int(f"{minute}{second}{fraction or 0}") == 0
    try:
        at = dates.datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            0 if ends else int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=dates.UTC,
        )
    except ValueError as error:
        raise fault(-1, "D3110", text) from error
    millis = (at - _EPOCH) // dates.timedelta(milliseconds=1) + int(((fraction or "") + "000")[:3])
    if ends:
        millis += _DAY
    if sign:
        minutes = int(offset[0]) * 60 + int(offset[1])
        millis -= (minutes if sign == "+" else -minutes) * 60_000
    return millis


def from_millis(millis: Number, picture: str | None, timezone: str | None) -> str:
    """A point in time as text.

    :param millis: milliseconds since the epoch
    :param picture: how it is written; None for ISO 8601
    :param timezone: an offset such as ``+0530``; None for UTC
    :raises ExpressionFailure: it cannot be written like this
    """
    _check_picture("$fromMillis", picture or "")
    if timezone is not None and _OFFSET.fullmatch(timezone) is None:
        msg = f"$fromMillis: {timezone!r} is not an offset; write it like +0530"
        raise ExpressionFailure(msg)
    try:
        text: str = DateTimeUtils.format_datetime(int(millis), picture, timezone)
    except (RuntimeError, ValueError, KeyError, OverflowError, OSError) as error:
        msg = f"$fromMillis: the time cannot be written by this picture: {error}"
        raise ExpressionFailure(msg) from error
    return text


def format_integer(value: Number, picture: str) -> str:
    """``$formatInteger``: a whole number by a picture, also in words, letters and roman numerals."""
    pattern = picture.removesuffix(";")
    return str(_integer("$formatInteger", lambda: DateTimeUtils.format_integer(_digits(value), pattern), picture))


def parse_integer(text: str, picture: str) -> int:
    """``$parseInteger``: what ``$formatInteger`` writes, as a number."""
    pattern = picture.removesuffix(";")
    return int(_integer("$parseInteger", lambda: DateTimeUtils.parse_integer(text, pattern), picture))


def _digits(value: Number) -> int:
    return int(Decimal(shortest(value)).to_integral_value(ROUND_FLOOR))


def _integer(name: str, work: Any, picture: str) -> Any:
    _check_picture(name, picture)
    try:
        return work()
    except (RuntimeError, ValueError, KeyError, IndexError, OverflowError) as error:
        if isinstance(error, RecursionError):
            raise
        msg = f"{name}: this number cannot be written or read by the picture {picture!r}: {error}"
        raise ExpressionFailure(msg) from error


def _check_picture(name: str, picture: str) -> None:
    if len(picture) > _PICTURE_LIMIT:
        msg = f"{name}: the picture has {len(picture)} characters, at most {_PICTURE_LIMIT} are allowed"
        raise ExpressionFailure(msg)
