"""From the values of expression engines to plain JSON values, always as fresh copies."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from airflow_workflow_provider.model.expressions.bounds import DEPTH_LIMIT, INTEGER_BITS, SIZE_LIMIT
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure

_WHOLE_BELOW: Final = 1e21
"""Whole doubles below this are written as integers."""

LEFT_OUT: Final = object()
"""Stands for a value that is no JSON: a field that is left out, null in a list."""


def join_surrogates(text: str) -> str:
    """The text with halves of surrogate pairs joined; lonely ones stay."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def well_formed(text: str) -> str:
    """The text with halves of surrogate pairs joined, and lonely ones replaced by U+FFFD, so that it is UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class _Writer:
    def __init__(self, *, whole_numbers: bool, sort_keys: bool, foreign: Callable[[Any], Any] | None) -> None:
        self._whole_numbers = whole_numbers
        self._sort_keys = sort_keys
        self._foreign = foreign
        self._left = SIZE_LIMIT

    def write(self, value: Any, depth: int = 0) -> Any:
        if depth > DEPTH_LIMIT:
            msg = f"the result is nested deeper than {DEPTH_LIMIT} levels"
            raise ExpressionFailure(msg)
        if isinstance(value, str):
            self._spend(len(value))
            return well_formed(value)
        self._spend(8)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            return self._number(value)
        if isinstance(value, Mapping):
            written = {self._key(key): self.write(part, depth + 1) for key, part in value.items()}
            if self._foreign is not None:
                written = {key: part for key, part in written.items() if part is not LEFT_OUT}
            return dict(sorted(written.items())) if self._sort_keys else written
        if isinstance(value, (list, tuple)):
            items = [self.write(part, depth + 1) for part in value]
            return items if self._foreign is None else [None if part is LEFT_OUT else part for part in items]
        return (self._foreign or other_json)(value)

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            msg = f"the result is larger than {SIZE_LIMIT} characters"
            raise ExpressionFailure(msg)

    def _number(self, value: float) -> int | float:
        if isinstance(value, int):
            if value.bit_length() > INTEGER_BITS:
                msg = f"the result has an integer of more than {INTEGER_BITS} bits"
                raise ExpressionFailure(msg)
            return int(value)
        if not math.isfinite(value):
            msg = f"the result has the number {value}, which JSON cannot represent"
            raise ExpressionFailure(msg)
        if self._whole_numbers and value.is_integer() and abs(value) < _WHOLE_BELOW:
            return int(value)
        return float(value)

    def _key(self, key: Any) -> str:
        if isinstance(key, bool):
            return "true" if key else "false"
        if not isinstance(key, (str, int)):
            msg = f"the result has a key that is not a text: {key!r}"
            raise ExpressionFailure(msg)
        text = str(key)
        self._spend(len(text))
        return well_formed(text)


def duration_text(length: timedelta) -> str:
    """ISO 8601 text of a length of time, for example ``PT1H30M``."""
    import isodate

    text: str = isodate.duration_isoformat(abs(length))
    return f"-{text}" if length < timedelta(0) else text


def other_json(value: Any) -> str:
    """The JSON text of a time, a length of time, or bytes.

    :raises ExpressionFailure: it is none of these
    """
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    msg = f"the result has a value that is not JSON: {type(value).__name__}"
    raise ExpressionFailure(msg)


def plain(
    value: Any,
    *,
    whole_numbers: bool = False,
    sort_keys: bool = False,
    foreign: Callable[[Any], Any] | None = None,
) -> Any:
    """A JSON value as a fresh copy of plain Python types.

    :param value: what an engine computed
    :param whole_numbers: write 2.0 as 2, as JavaScript does
    :param sort_keys: put the keys of objects in order, for an engine that has none
    :param foreign: what a value of the engine's own stands for, :data:`LEFT_OUT` for nothing
    :raises ExpressionFailure: it is not JSON, or too large, or too deep
    """
    written = _Writer(whole_numbers=whole_numbers, sort_keys=sort_keys, foreign=foreign).write(value)
    return None if written is LEFT_OUT else written
