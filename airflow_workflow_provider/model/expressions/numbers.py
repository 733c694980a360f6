"""Numbers of transforms: whole numbers are exact, fractions are doubles (rule X3).

JSON knows one kind of number. A whole number is kept as a Python ``int``, whether it was written ``2`` or ``2.0``, and
arithmetic over whole numbers is exact up to 1e21; beyond that, and for fractions, it is that of doubles, as in
JavaScript.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure

Number = int | float

EXACT_BELOW: Final = 10**21
"""Whole numbers below this are written with all their digits, larger computed ones with an exponent."""

_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[Ee][-+]?[0-9]+)?")
_OTHER_BASE: Final = re.compile(r"0(?:([xX])([0-9A-Fa-f]+)|([oO])([0-7]+)|([bB])([01]+))")
_TEXT_LIMIT: Final = 1000
"""Characters of a text that is read as a number."""


def is_number(value: object) -> bool:
    """Whether a value is a JSON number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Whether a value is a number without a fraction."""
    return is_number(value) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def normal(value: Number) -> Number:
    """A computed number in its normal form: ``int`` where it is whole and below 1e21, else ``float``.

    :raises ExpressionFailure: it is larger than JSON numbers of doubles can be, or no number at all
    """
    if isinstance(value, int):
        if -EXACT_BELOW < value < EXACT_BELOW:
            return value
        value = to_double(value)
    if not math.isfinite(value):
        msg = f"the result of a computation is {_infinite(value)}, which is not a JSON number"
        raise ExpressionFailure(msg)
    return int(value) if value.is_integer() and abs(value) < EXACT_BELOW else value


def _infinite(value: float) -> str:
    return "not a number" if math.isnan(value) else "infinite"


def to_double(value: Number) -> float:
    """The nearest double; infinity for an integer that is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def compute(sign: str, left: Number, right: Number) -> Number:
    """``left`` and ``right`` combined by one of ``+ - * / %``.

    :raises ExpressionFailure: the result is not a JSON number, as after a division by 0
    """
    whole = is_whole(left) and is_whole(right)
    if whole:
        left, right = int(left), int(right)
    if sign in "/%":
        if right == 0:
            msg = f"{number_text(left)} {sign} 0: a number cannot be divided by 0"
            raise ExpressionFailure(msg)
        return _divide(left, right) if sign == "/" else _remainder(left, right)
    if not whole:
        left, right = to_double(left), to_double(right)
    if sign == "+":
        return normal(left + right)
    return normal(left - right if sign == "-" else left * right)


def _divide(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        whole, rest = divmod(left, right)
        if rest == 0:
            return normal(whole)
    return normal(to_double(left) / to_double(right))


def _remainder(left: Number, right: Number) -> Number:
    # The sign is the dividend's, as in JavaScript.
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    return normal(math.fmod(to_double(left), to_double(right)))


def power(base: Number, exponent: Number) -> Number:
    """``base`` raised to ``exponent``; exact where both are whole and the result is below 1e21.

    :raises ExpressionFailure: the result is not a JSON number
    """
    try:
        result: Any = to_double(base) ** to_double(exponent)
    except (OverflowError, ZeroDivisionError):
        result = math.inf
    if isinstance(result, complex) or not math.isfinite(result):
        msg = f"$power({number_text(base)}, {number_text(exponent)}) is not a JSON number"
        raise ExpressionFailure(msg)
    if is_whole(base) and is_whole(exponent) and exponent >= 0 and abs(result) < EXACT_BELOW:
        return normal(int(base) ** int(exponent))
    return normal(result)


def round_to(value: Number, places: int = 0) -> Number:
    """The number rounded to decimal places, half to even; negative places round to tens, hundreds and so on."""
    places = max(min(places, 400), -400)
    if is_whole(value) and places >= 0:
        return normal(value)
    rounded = round(Decimal(shortest(value)), places)
    return normal(int(rounded) if rounded == rounded.to_integral_value() else float(rounded))


def total(values: list[Number]) -> Number:
    """The sum of numbers."""
    sum_: Number = 0
    for value in values:
        sum_ = compute("+", sum_, value)
    return sum_


def shortest(value: Number) -> str:
    """The shortest text that stands for the number, without rounding."""
    return str(int(value)) if is_whole(value) and abs(value) < EXACT_BELOW else repr(value)


def number_text(value: Number) -> str:
    """The number as ``$string`` writes it: whole ones with all digits, fractions with at most 15.

    :raises ExpressionFailure: it is infinite, or not a number
    """
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        msg = f"a number that is {_infinite(value)} has no text"
        raise ExpressionFailure(msg)
    if value.is_integer():
        return str(int(value)) if abs(value) < EXACT_BELOW else exponential(repr(value))
    return exponential(repr(float(f"{value:.15g}")))


def exponential(text: str) -> str:
    """Python's text of a double as JavaScript writes it: exponents from 1e21 on and below 1e-6."""
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text.removesuffix(".0")
    power_of_ten = int(exponent)
    if -7 < power_of_ten < 0:  # noqa: PLR2004 - as JavaScript does
        return f"{Decimal(text):f}"
    sign = "+" if power_of_ten > 0 else "-"
    return f"{mantissa.removesuffix('.0')}e{sign}{abs(power_of_ten)}"


def parse_number(text: str) -> Number | None:
    """The number that a text stands for, or None; whole numbers are exact."""
    if len(text) > _TEXT_LIMIT:
        return None
    other = _OTHER_BASE.fullmatch(text)
    if other is not None:
        for letter, base in ((1, 16), (3, 8), (5, 2)):
            if other[letter]:
                return normal(int(other[letter + 1], base))
    if _NUMBER.fullmatch(text) is None:
        return None
    if "." not in text and "e" not in text and "E" not in text:
        return int(text)
    value = float(text)
    if not math.isfinite(value):
        return None
    exact = Decimal(text)
    if abs(value) < EXACT_BELOW and exact == exact.to_integral_value():
        return int(exact)
    return value


def literal(source: str, end: int, value: Number) -> Number:
    """A number of an expression with all its digits.

    :param source: the expression
    :param end: where the number ends
    :param value: what the engine read, a double
    """
    if abs(value) < 2**53:
        return value
    for match in re.finditer(r"[0-9]", source[max(0, end - _TEXT_LIMIT) : end]):
        text = source[max(0, end - _TEXT_LIMIT) + match.start() : end]
        if _NUMBER.fullmatch(text) is not None and float(text) == to_double(value):
            exact = parse_number(text)
            return value if exact is None else exact
    return value


def same(left: Any, right: Any) -> bool:
    """Deep equality of JSON values: true is not 1, 1 is 1.0, different numbers are never equal."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(part, right[key]) for key, part in left.items())
    return bool(left == right)


def before(left: Any, right: Any) -> bool:
    """Whether a number or text comes before another of its kind; texts are ordered by their UTF-16 form."""
    if isinstance(left, str) and isinstance(right, str) and not (left.isascii() and right.isascii()):
        return left.encode("utf-16-be", "surrogatepass") < right.encode("utf-16-be", "surrogatepass")
    return bool(left < right)
