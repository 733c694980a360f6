"""``$formatNumber``: numbers written by a picture, as XPath's ``format-number`` and JSONata's reference do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache, reduce
from typing import Any, Final

from airflow_workflow_provider.model.expressions.bounds import TEXT_LIMIT
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.jsonata.parser import fault
from airflow_workflow_provider.model.expressions.numbers import (
    Number,
    compute,
    round_to,
    shortest,
)

_DEFAULTS: Final = {
    "decimal-separator": ".",
    "grouping-separator": ",",
    "exponent-separator": "e",
    "infinity": "Infinity",
    "minus-sign": "-",
    "NaN": "NaN",
    "percent": "%",
    "per-mille": "‰",
    "zero-digit": "0",
    "digit": "#",
    "pattern-separator": ";",
}
_PICTURE_LIMIT: Final = 1000


class _Signs:
    """The signs of a picture, some of which its options may change."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        chosen = {**_DEFAULTS, **{key: value for key, value in options.items() if isinstance(value, str)}}
        self.decimal = chosen["decimal-separator"]
        self.grouping = chosen["grouping-separator"]
        self.exponent = chosen["exponent-separator"]
        self.minus = chosen["minus-sign"]
        self.percent = chosen["percent"]
        self.per_mille = chosen["per-mille"]
        self.zero = chosen["zero-digit"][:1] or "0"
        self.digit = chosen["digit"]
        self.separator = chosen["pattern-separator"]
        self.digits = [chr(ord(self.zero) + number) for number in range(10)]
        self.active = {*self.digits, self.decimal, self.exponent, self.grouping, self.digit, self.separator}

    def places(self, part: str, *, optional: bool = True) -> int:
        """How many digits a part of a picture has."""
        return sum(sign in self.digits or (optional and sign == self.digit) for sign in part)


@dataclass(frozen=True)
class _Picture:
    """One half of a picture, for numbers of one sign.

    :param before: what stands before the number
    :param behind: what stands behind it
    :param factor: 100 for percent, 1000 for per mille
    :param least: the fewest digits before the decimal separator
    :param scale: the digits before the separator that the picture itself asks for
    :param least_fraction: the fewest digits behind the decimal separator
    :param most_fraction: the most of them
    :param exponent: the fewest digits of the exponent; 0 for a number without one
    :param has_point: whether a decimal separator is in the picture
    :param groups: where grouping separators stand, counted from the decimal separator to the left
    :param regular: their distance, where they are regular; else 0
    :param fraction_groups: where they stand behind it, counted to the right
    """

    before: str
    behind: str
    factor: int
    least: int
    scale: int
    least_fraction: int
    most_fraction: int
    exponent: int
    has_point: bool
    groups: tuple[int, ...]
    regular: int
    fraction_groups: tuple[int, ...]


def format_number(value: Number, picture: str, options: Mapping[str, Any]) -> str:
    """The number written by a picture.

    :raises JException: the picture is not one
    """
    if len(picture) > _PICTURE_LIMIT:
        msg = f"$formatNumber: the picture has {len(picture)} characters, at most {_PICTURE_LIMIT} are allowed"
        raise ExpressionFailure(msg)
    signs = _Signs(options)
    halves = picture.split(signs.separator) if signs.separator else [picture]
    if len(halves) > 2:  # noqa: PLR2004 - one for each sign
        raise fault(-1, "D3080")
    parsed = [_parse(half, signs) for half in halves]
    if len(parsed) == 1:
        parsed.append(replace(parsed[0], before=signs.minus + parsed[0].before))
    return _write(value, parsed[0 if value >= 0 else 1], signs)


def _split(picture: str, signs: _Signs) -> tuple[str, str, str]:
    """What stands before the digits, the digits' part, and what stands behind."""
    active = [place for place, sign in enumerate(picture) if sign in signs.active and sign != signs.exponent]
    if not active:
        return "", picture, ""
    return picture[: active[0]], picture[active[0] : active[-1] + 1], picture[active[-1] + 1 :]


def _parse(picture: str, signs: _Signs) -> _Picture:
    before, part, behind = _split(picture, signs)
    mantissa, found, exponent = part.partition(signs.exponent)
    has_exponent = bool(found)
    whole, _, fraction = mantissa.partition(signs.decimal)
    _check(picture, signs, part, mantissa, exponent if has_exponent else None)
    least, most_fraction = signs.places(whole, optional=False), signs.places(fraction)
    least_fraction = signs.places(fraction, optional=False)
    scale = least
    if least == 0 and most_fraction == 0:
        if has_exponent:
            least_fraction = most_fraction = 1
        else:
            least = 1
    if has_exponent and least == 0 and signs.digit in whole:
        least = 1
    if least == 0 and least_fraction == 0:
        least_fraction = 1
    groups = _groups(whole, lambda place: signs.places(whole[place:]), signs)
    return _Picture(
        before=before,
        behind=behind,
        factor=100 if signs.percent in picture else 1000 if signs.per_mille in picture else 1,
        least=least,
        scale=scale,
        least_fraction=least_fraction,
        most_fraction=max(most_fraction, least_fraction),
        exponent=signs.places(exponent, optional=False) if has_exponent else 0,
        has_point=signs.decimal in picture,
        groups=groups,
        regular=_regular(groups),
        fraction_groups=_groups(fraction, lambda place: signs.places(fraction[:place]), signs),
    )


def _groups(part: str, count: Callable[[int], int], signs: _Signs) -> tuple[int, ...]:
    return tuple(count(place) for place, sign in enumerate(part) if sign == signs.grouping)


def _regular(groups: tuple[int, ...]) -> int:
    if not groups:
        return 0
    distance = reduce(math.gcd, groups)
    return distance if all(number * distance in groups for number in range(1, len(groups) + 1)) else 0


def _check(picture: str, signs: _Signs, part: str, mantissa: str, exponent: str | None) -> None:
    """Refuse what is no picture; of several faults the last one is named, as in the reference."""
    whole, point, fraction = mantissa.partition(signs.decimal)
    scaled = signs.percent in picture or signs.per_mille in picture
    beside = {picture[place - 1 : place] for place in (picture.find(signs.decimal),) if place > 0}
    beside |= {picture[place + 1 : place + 2] for place in (picture.find(signs.decimal),) if place >= 0}
    faults = {
        "D3081": picture.count(signs.decimal) > 1,
        "D3082": picture.count(signs.percent) > 1,
        "D3083": picture.count(signs.per_mille) > 1,
        "D3084": signs.percent in picture and signs.per_mille in picture,
        "D3085": signs.places(mantissa) == 0,
        "D3086": any(sign not in signs.active for sign in part),
        "D3087": signs.grouping in beside,
        "D3088": not point and whole.endswith(signs.grouping),
        "D3089": signs.grouping * 2 in picture,
        "D3090": signs.digit in whole and signs.places(whole.partition(signs.digit)[0], optional=False) > 0,
        "D3091": signs.digit in fraction and signs.places(fraction.rpartition(signs.digit)[2], optional=False) > 0,
        "D3092": bool(exponent) and scaled,
        "D3093": exponent is not None and (not exponent or any(sign not in signs.digits for sign in exponent)),
    }
    found = [code for code, holds in faults.items() if holds]
    if found:
        raise fault(-1, found[-1])


def _write(value: Number, picture: _Picture, signs: _Signs) -> str:
    mantissa = compute("*", value, picture.factor)
    power = 0
    if picture.exponent and mantissa:
        mantissa, power = _scaled(mantissa, picture.scale)
    rounded = abs(Decimal(shortest(round_to(mantissa, picture.most_fraction))))
    whole, _, fraction = f"{rounded:.{picture.most_fraction}f}".partition(".")
    whole = whole.lstrip("0").rjust(picture.least, "0")
    fraction = fraction.rstrip("0").ljust(picture.least_fraction, "0")
    for place in sorted(picture.fraction_groups, reverse=True):
        if place <= len(fraction):
            fraction = fraction[:place] + signs.grouping + fraction[place:]
    text = _grouped(whole, picture, signs)
    if picture.has_point and fraction:
        text += signs.decimal + fraction
    text = _in_family(text, signs)
    if picture.exponent:
        digits = _in_family(str(abs(power)).rjust(picture.exponent, "0"), signs)
        text += signs.exponent + (signs.minus if power < 0 else "") + digits
    if len(text) > TEXT_LIMIT:
        msg = f"$formatNumber: the text is larger than {TEXT_LIMIT} characters"
        raise ExpressionFailure(msg)
    return picture.before + text + picture.behind


def _scaled(value: Number, digits: int) -> tuple[Number, int]:
    """The mantissa with the wanted digits before its point, and its power of ten."""
    exact = Decimal(shortest(value))
    least, most = Decimal(10) ** (digits - 1), Decimal(10) ** digits
    power = 0
    while abs(exact) < least:
        exact, power = exact * 10, power - 1
    while abs(exact) > most:
        exact, power = exact / 10, power + 1
    return (int(exact) if exact == exact.to_integral_value() else float(exact)), power


def _grouped(whole: str, picture: _Picture, signs: _Signs) -> str:
    places = picture.groups
    if picture.regular:
        places = tuple(range(picture.regular, len(whole), picture.regular))
    for place in sorted(places):
        grouped = sum(other < place for other in places) * len(signs.grouping)
        at = len(whole) - place - grouped
        if at >= 0:
            whole = whole[:at] + signs.grouping + whole[at:]
    return whole


@lru_cache(maxsize=64)
def _family(zero: str) -> dict[int, str]:
    return {ord("0") + number: chr(ord(zero) + number) for number in range(10)}


def _in_family(text: str, signs: _Signs) -> str:
    return text if signs.zero == "0" else text.translate(_family(signs.zero))


def format_base(value: Number, base: Number) -> str:
    """The whole number in another base from 2 to 36.

    :raises JException: the base is not one of these
    """
    base = int(base)
    if not 2 <= base <= 36:  # noqa: PLR2004 - digits and letters
        raise fault(-1, "D3100", base)
    left, digits = abs(int(value)), ""
    while left:
        left, digit = divmod(left, base)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return ("-" if value < 0 else "") + (digits or "0")
