"""ISO 8601 durations, as strictly as the format reads them (rule D3)."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from isodate import Duration

MAX_LENGTH: Final = 64
_NUMBER: Final = r"[0-9]+(?:[.,][0-9]+)?"
_SHAPE: Final = re.compile(
    rf"""P(?:
        (?P<weeks>{_NUMBER}W)
      | (?P<calendar>(?:[0-9]+Y)?(?:[0-9]+M)?)
        (?:{_NUMBER}D)?
        (?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?
    )""",
    re.VERBOSE,
)
_EXAMPLES: Final = "PT30S, PT5M, PT1H30M or P2D"


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> timedelta:
    """A duration of fixed length.

    :param text: ISO 8601, for example ``PT5M`` or ``P1DT12H``
    :raises ValueError: it is not an ISO 8601 duration, is negative, is empty, has years or months, or is too long
    """
    length = _parse(text)
    if not isinstance(length, timedelta):
        msg = f"{text!r} has years or months, which differ in length; write days, for example P30D"
        raise ValueError(msg)
    return length


@lru_cache(maxsize=1024)
def parse_retention(text: str) -> timedelta | Duration:
    """A duration for calendar arithmetic: years and months are possible.

    :param text: ISO 8601, for example ``P30D`` or ``P1Y6M``
    :raises ValueError: it is not an ISO 8601 duration, is negative, is empty, or is too long
    """
    return _parse(text)


def duration_text(length: timedelta) -> str:
    """Return a duration as the format writes it, such as ``PT1M30S``."""
    import isodate

    return str(isodate.duration_isoformat(length))


def _parse(text: str) -> timedelta | Duration:
    import isodate

    shown = text if len(text) <= MAX_LENGTH else text[:MAX_LENGTH] + "…"
    if text.startswith(("-", "+")) or "-" in text:
        msg = f"{shown!r} has a sign; a duration is written without one, for example {_EXAMPLES}"
        raise ValueError(msg)
    match = _SHAPE.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        msg = f"{shown!r} is not an ISO 8601 duration; write for example {_EXAMPLES}"
        raise ValueError(msg)
    if not any(character.isdigit() for character in text):
        msg = f"{shown!r} has no length; write for example {_EXAMPLES}"
        raise ValueError(msg)
    try:
        length: timedelta | Duration = isodate.parse_duration(text)
    except (ValueError, OverflowError, ArithmeticError) as error:
        msg = f"{shown!r} is too long or not an ISO 8601 duration; write for example {_EXAMPLES}"
        raise ValueError(msg) from error
    if not isinstance(length, timedelta) and not length.years and not length.months:
        return length.tdelta
    return length
