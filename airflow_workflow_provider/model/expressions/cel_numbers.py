"""Numbers of JSON as CEL's engine knows them, so that different ones are never equal (rule X2).

The engine compares whole numbers exactly, but rounds one to a double where the other is a double. So every whole
number of 64 bits is given to it as such, however it was written; the only double that a rounded one can meet is 2^64,
which is given as digits like the longer ones that doubles do not hold.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, Final

from airflow_workflow_provider.model.expressions.numbers import exponential, shortest
from airflow_workflow_provider.model.expressions.values import other_json

LEAST: Final = -(2**63)
BEYOND: Final = 2**64
"""The first whole number that is too large for 64 bits."""

_LONG: Final = b"\xffnumber:"
_DIGITS_WIDTH: Final = 4
_COMPLEMENT: Final = 16**_DIGITS_WIDTH


def given(value: float) -> int | float | bytes:
    """The number that the engine gets for one of the data."""
    if isinstance(value, float):
        if not value.is_integer() or not LEAST <= value <= BEYOND:
            return value
        value = int(value)
    return value if LEAST <= value < BEYOND else long_number(value)


def long_number(value: int) -> float | bytes:
    """What stands for a whole number of more than 64 bits: its double where that is exact, else its digits.

    Digits are equal to the same digits only, ordered among each other as their numbers are, and not computed with.
    """
    try:
        near = float(value)
    except OverflowError:
        near = math.inf
    if value != BEYOND and math.isfinite(near) and int(near) == value:
        return near
    digits = f"{abs(value):x}"
    if value > 0:
        return _LONG + f"p{len(digits):04x}{digits}".encode()
    # What has more digits, or larger ones, comes first.
    turned = 16 ** len(digits) - 1 + value
    return _LONG + f"n{_COMPLEMENT - 1 - len(digits):04x}{turned:0{len(digits)}x}".encode()


def is_long(value: Any) -> bool:
    """Whether a value of the engine is the digits of a number."""
    return isinstance(value, (bytes, bytearray)) and bytes(value).startswith(_LONG)


def number_of(value: Any) -> Any:
    """The number that digits stand for; another value as JSON writes it."""
    if not is_long(value):
        return other_json(value)
    sign, digits = bytes(value)[len(_LONG) :][:1], bytes(value)[len(_LONG) + 1 + _DIGITS_WIDTH :]
    number = int(digits, 16)
    return number if sign == b"p" else number + 1 - 16 ** len(digits)


def text_of(value: Any) -> str:
    """``string(…)`` of a value: whole numbers with all their digits, as JSON writes numbers.

    :raises ValueError: it is bytes, and no UTF-8
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return exponential(shortest(value))
    if isinstance(value, timedelta):
        return _seconds(value)
    if isinstance(value, datetime):
        return str(other_json(value))
    if is_long(value):
        return str(number_of(value))
    return bytes(value).decode() if isinstance(value, (bytes, bytearray)) else str(value)


def _seconds(length: timedelta) -> str:
    """A length of time as CEL writes it, with three or six digits of a fraction if it has one."""
    seconds, micros = divmod(abs(length) // timedelta(microseconds=1), 1_000_000)
    fraction = f".{micros:06d}".removesuffix("000") if micros else ""
    return f"{'-' if length < timedelta(0) else ''}{seconds}{fraction}s"
