"""Arithmetic of CEL over JSON's numbers, which are one type (rule X2).

CEL distinguishes integers from doubles and has no operator between them; in JSON 100 and 100.0 are the same. An
operator over data is therefore computed here: exactly for whole numbers of 64 bits, else as doubles. Operators over
literals alone keep CEL's rules. Texts and lists are counted before they are concatenated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

from airflow_workflow_provider.model.expressions.bounds import SIZE_LIMIT
from airflow_workflow_provider.model.expressions.cel_numbers import BEYOND, LEAST, given, is_long, long_number, text_of

OPERATORS: Final = {
    "+": "json_add",
    "-": "json_subtract",
    "*": "json_multiply",
    "/": "json_divide",
    "%": "json_remainder",
}
"""The functions that stand for the operators."""

NEGATE: Final = "json_negate"
"""The function that stands for the minus before one value."""

SIGNS: Final = {NEGATE: "-", **{name: sign for sign, name in OPERATORS.items()}}

TEXT: Final = "json_text"
"""The function that stands for ``string`` of data."""

_ROUNDED: Final = 2**53
"""From here on doubles are whole numbers, and not each has its own."""

made: ContextVar[list[int]] = ContextVar("made")
"""What the current evaluation has put together so far: characters and entries."""

Tokens = Sequence[tuple[str, str]]


def functions(cel: Any) -> list[Any]:
    """The functions as the engine declares them."""
    texts = [_of_one(cel, TEXT, kind, cel.Type.STRING, text_of) for kind in _TEXTS]
    negatives = [_of_one(cel, NEGATE, kind, cel.Type.DYN, _negated) for kind in ("INT", "UINT", "DOUBLE")]
    found = {TEXT: texts, NEGATE: negatives}
    found |= {name: _overloads(cel, sign, name) for sign, name in OPERATORS.items()}
    return [cel.FunctionDecl(name, overloads) for name, overloads in found.items()]


def _overloads(cel: Any, sign: str, name: str) -> list[Any]:
    return [
        cel.Overload(
            id=f"{name}_{number}",
            return_type=result,
            parameters=[left, right],
            is_member=False,
            impl=_work(sign),
        )
        for number, (left, right, result) in enumerate(_types(cel.Type, sign))
    ]


_TEXTS: Final = ("BOOL", "INT", "UINT", "DOUBLE", "STRING", "BYTES", "TIMESTAMP", "DURATION")
"""What has a text."""


def _of_one(cel: Any, name: str, kind: str, result: Any, work: Callable[[Any], Any]) -> Any:
    return cel.Overload(
        id=f"{name}_{kind}",
        return_type=result,
        parameters=[getattr(cel.Type, kind)],
        is_member=False,
        impl=work,
    )


def _negated(value: float) -> int | float | bytes:
    return _compute("-", 0, value)


def _types(kinds: Any, sign: str) -> Iterator[tuple[Any, Any, Any]]:
    """What an operator takes on its left and right side, and what it gives."""
    numbers = (kinds.INT, kinds.UINT, kinds.DOUBLE)
    for left, right in product(numbers, numbers):
        yield left, right, kinds.DYN
    span, point = kinds.DURATION, kinds.TIMESTAMP
    if sign == "+":
        for kind in (kinds.STRING, kinds.BYTES, kinds.List(kinds.DYN)):
            yield kind, kind, kind
        yield span, point, point
    if sign in "+-":
        yield span, span, span
        yield point, span, point
    if sign == "-":
        yield point, point, span


def _work(sign: str) -> Callable[[Any, Any], Any]:
    def work(left: Any, right: Any) -> Any:
        if isinstance(left, (int, float)):
            return _compute(sign, left, right)
        if isinstance(left, (datetime, timedelta)):
            return left + right if sign == "+" else left - right
        return _joined(left, right)

    return work


def _joined(left: Any, right: Any) -> Any:
    if is_long(left) or is_long(right):
        msg = "+ cannot be applied to numbers of more than 64 bits"
        raise ValueError(msg)
    spent = made.get()
    spent[0] += len(left) + len(right) + 8
    if spent[0] > SIZE_LIMIT:
        msg = f"the expression puts together more than {SIZE_LIMIT} characters and entries"
        raise ValueError(msg)
    return left + right if isinstance(left, (str, bytes, bytearray)) else [*left, *right]


def _compute(sign: str, left: float, right: float) -> int | float | bytes:
    left, right = _whole(left), _whole(right)
    if sign in "/%" and right == 0:
        msg = "a number is divided by zero"
        raise ValueError(msg)
    if sign == "+":
        found: int | float = left + right
    elif sign == "-":
        found = left - right
    elif sign == "*":
        found = left * right
    else:
        found = _divided(sign, left, right)
    if not isinstance(found, float) and not LEAST <= found < BEYOND and isinstance(long_number(found), bytes):
        msg = "the result overflows: it is a whole number of more than 64 bits"
        raise ValueError(msg)
    if not math.isfinite(found):
        msg = "the result is larger than numbers can be"
        raise ValueError(msg)
    return given(found)


def _whole(value: int | float) -> int | float:
    """The number as an integer where it is one of 64 bits."""
    return int(value) if isinstance(value, float) and value.is_integer() and LEAST <= value < BEYOND else value


def _divided(sign: str, left: float, right: float) -> int | float:
    if not isinstance(left, int) or not isinstance(right, int):
        return left / right if sign == "/" else math.fmod(left, right)
    if sign == "%":
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    whole, rest = divmod(left, right)
    return whole if rest == 0 else left / right


class Rewriter:
    """Rewrites an expression, with its arithmetic over data as calls of :data:`OPERATORS`.

    The expression has been compiled before, so that it is known to be one.

    :param tokens: kinds and texts, without white space
    :param comparing: let comparisons of data take numbers of any type too, as of ``size(…)`` and ``1.5``; the engine
        finds out at the evaluation then what cannot be compared
    """

    def __init__(self, tokens: Tokens, *, comparing: bool = False) -> None:
        self._tokens = _with_long_signs(tokens)
        self._comparing = comparing
        self._at = 0

    def rewritten(self) -> str:
        """The whole expression."""
        return self._expression()[0]

    def _sees(self, *texts: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][1] in texts

    def _take(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _expression(self) -> tuple[str, bool]:
        """The text, and whether it has to do with data."""
        text, data = self._binary(0)
        if not self._sees("?"):
            return text, data
        self._take()
        then, then_data = self._expression()
        self._take()
        otherwise, otherwise_data = self._expression()
        return f"({text} ? {then} : {otherwise})", data or then_data or otherwise_data

    def _binary(self, level: int) -> tuple[str, bool]:
        if level == len(_LEVELS):
            return self._unary()
        text, data = self._binary(level + 1)
        while self._sees(*_LEVELS[level]):
            sign = self._take()[1]
            right, right_data = self._binary(level + 1)
            data = data or right_data
            name = OPERATORS.get(sign) if data else None
            if data and level == _COMPARISON_LEVEL:
                text, right = _exact(text), _exact(right)
            if data and self._comparing and level == _COMPARISON_LEVEL:
                text = f"dyn({text})"
            text = f"({text} {sign} {right})" if name is None else f"{name}({text}, {right})"
        return text, data

    def _unary(self) -> tuple[str, bool]:
        if self._sees("-", "!"):
            sign = self._take()[1]
            text, data = self._unary()
            # The engine does not negate what is beyond 2^63.
            return (f"{NEGATE}({text})" if data and sign == "-" else f"{sign}{text}"), data
        return self._member()

    def _member(self) -> tuple[str, bool]:
        text, data = self._primary()
        while self._sees(".", "[", "(", "{"):
            opening = self._take()[1]
            if opening == ".":
                text += f".{self._take()[1]}"
                continue
            inner, inner_data = self._until(_CLOSING[opening])
            if (text, opening, inner_data) == ("string", "(", True):
                text = TEXT
            text, data = f"{text}{opening}{inner}{_CLOSING[opening]}", data or inner_data
        return text, data

    def _primary(self) -> tuple[str, bool]:
        kind, text = self._take()
        if text in _CLOSING:
            inner, data = self._until(_CLOSING[text])
            return f"{text}{inner}{_CLOSING[text]}", data
        if text == ".":
            return f".{self._take()[1]}", True
        return text, kind == "name" and text not in {"true", "false", "null"} and not self._sees("(")

    def _until(self, closing: str) -> tuple[str, bool]:
        """What stands in brackets: expressions with commas or colons between."""
        parts, data = [], False
        while not self._sees(closing):
            if self._sees(",", ":"):
                parts.append(f"{self._take()[1]} ")
                continue
            text, part_data = self._expression()
            parts.append(text)
            data = data or part_data
        self._take()
        return "".join(parts), data


_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_LEVELS: Final = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))
_COMPARISON_LEVEL: Final = 2
COMPARISONS: Final = frozenset({"@in", *(f"_{sign}_" for sign in _LEVELS[_COMPARISON_LEVEL])})
"""The engine's names of the operators that compare."""

_LONG: Final = frozenset({"||", "&&", "<=", ">=", "==", "!="})


def _with_long_signs(tokens: Tokens) -> list[tuple[str, str]]:
    joined: list[tuple[str, str]] = []
    for kind, text in tokens:
        if joined and joined[-1][1] + text in _LONG:
            joined[-1] = (kind, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined


def needs_rewriting(tokens: Tokens) -> bool:
    """Whether an expression has an operator, a function or a number that the engine does not take as JSON has it."""
    return any(
        (kind == "sign" and text in OPERATORS)
        or (kind == "name" and text == "string")
        or (kind == "number" and _exact(text) != text)
        for kind, text in tokens
    )


def _exact(text: str) -> str:
    """A double that stands in an expression, as the whole number that it is where doubles are no longer exact.

    The engine would round what it is compared with.
    """
    try:
        value = float(text)
    except ValueError:
        return text
    if text.lstrip("-").isdecimal() or not value.is_integer() or abs(value) < _ROUNDED:
        return text
    number = given(value)
    if isinstance(number, bytes):
        return f"dyn(b'\\xff{number[1:].decode()}')"
    return f"dyn({number}{'u' if number >= -LEAST else ''})" if isinstance(number, int) else text
