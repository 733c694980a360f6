"""The operators between two values."""

from __future__ import annotations

from typing import Any

from jsonata.utils import Utils

from airflow_workflow_provider.model.expressions.bounds import LIST_LIMIT, TEXT_LIMIT, Meter
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.jsonata.parser import fault
from airflow_workflow_provider.model.expressions.jsonata.texts import text_of
from airflow_workflow_provider.model.expressions.numbers import before, compute, is_number, is_whole, same


def operate(meter: Meter, sign: str, left: Any, right: Any) -> Any:
    """What an operator makes of two values, None for nothing.

    :raises JException: it does not take values of these types
    :raises ExpressionFailure: the result is too large, or no JSON number
    """
    if sign in "+-*/%":
        return _arithmetic(sign, left, right)
    if sign in {"=", "!="}:
        if left is None or right is None:
            return False
        meter.tick()
        return same(left, right) is (sign == "=")
    if sign == "&":
        return _concatenate(left, right)
    if sign == "in":
        return _includes(meter, left, right)
    if sign == "..":
        return _range(left, right)
    return _compare(sign, left, right)


def _arithmetic(sign: str, left: Any, right: Any) -> Any:
    if left is not None and not is_number(left):
        raise fault(-1, "T2001", sign, left)
    if right is not None and not is_number(right):
        raise fault(-1, "T2002", sign, right)
    return None if left is None or right is None else compute(sign, left, right)


def _concatenate(left: Any, right: Any) -> str:
    parts = ["" if side is None else text_of(side) for side in (left, right)]
    if sum(map(len, parts)) > TEXT_LIMIT:
        msg = f"the expression computes a text of more than {TEXT_LIMIT} characters"
        raise ExpressionFailure(msg)
    return "".join(parts)


def _includes(meter: Meter, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    meter.tick()
    return any(same(left, item) for item in (right if isinstance(right, list) else [right]))


def _range(left: Any, right: Any) -> Any:
    if left is not None and not is_whole(left):
        raise fault(-1, "T2003", left)
    if right is not None and not is_whole(right):
        raise fault(-1, "T2004", right)
    if left is None or right is None or left > right:
        return None
    first, last = int(left), int(right)
    if last - first >= LIST_LIMIT:
        msg = f"the range {first}..{last} has more than {LIST_LIMIT} numbers"
        raise ExpressionFailure(msg)
    return Utils.create_sequence_from_iter(range(first, last + 1))


def _compare(sign: str, left: Any, right: Any) -> Any:
    for side in (left, right):
        if side is not None and not isinstance(side, str) and not is_number(side):
            raise fault(0, "T2010", sign, side)
    if left is None or right is None:
        return None
    if isinstance(left, str) is not isinstance(right, str):
        raise fault(0, "T2009", left, right, sign)
    if sign in {"<", ">="}:
        return before(left, right) is (sign == "<")
    return before(right, left) is (sign == ">")
