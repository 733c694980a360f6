"""Numbers as JSON has them: decimal texts, whose shortest one counts (rule X6)."""

from __future__ import annotations

from decimal import Decimal


def is_multiple(value: float, divisor: float) -> bool:
    """Return whether a number is a multiple of another one, exactly: 19.99 is one of 0.01, 19.995 is not.

    Nothing is divided, so that very large and very small numbers cost no more than others.
    """
    number, exponent = _decimal(value)
    unit, unit_exponent = _decimal(divisor)
    if unit == 0:
        return number == 0
    shift = exponent - unit_exponent
    if shift >= 0:
        return number * pow(10, shift, unit) % unit == 0
    return bool(number % (unit * 10**-shift) == 0)


def _decimal(value: float) -> tuple[int, int]:
    """Return a number as a whole number, its sign left out, and a power of ten."""
    if isinstance(value, int):
        return abs(value), 0
    _, digits, exponent = Decimal(repr(value)).as_tuple()
    return int("".join(map(str, digits))), int(exponent)
