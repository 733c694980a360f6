"""JSONata by jlens, the fast engine: written in Rust, with limits of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import jlens

from airflow_workflow_provider.model.expressions import functions
from airflow_workflow_provider.model.expressions.bounds import (
    DEPTH_LIMIT,
    LIST_LIMIT,
    SIZE_LIMIT,
    STEP_LIMIT,
    TEXT_LIMIT,
    TIME_LIMIT_SECONDS,
    Meter,
)
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure, ExpressionSyntaxError, Kind

_LIMIT: Final = "U1001"
"""jlens' code for an expression beyond a limit."""

_EXACT: Final = 2**53
"""jlens computes with doubles only; an integer beyond this would come out as another one."""


class Program:
    """A compiled JSONata expression.

    :param source: the expression
    :raises ExpressionSyntaxError: it cannot be read
    """

    def __init__(self, source: str) -> None:
        try:
            self._expression = jlens.Expression(source)
            # The engine's own have no bound: one aborts the process for want of memory, one compares all with all.
            self._expression.register_function("distinct", functions.distinct, "<x:x>")
        except jlens.JlensError as error:
            kind: Kind = "size" if error.code == _LIMIT else "syntax"
            raise ExpressionSyntaxError(str(error), error.position, kind=kind) from error

    def evaluate(
        self, root: Mapping[str, Any], variables: Mapping[str, Any], uuid_source: functions.UuidSource | None
    ) -> Any:
        """Compute the value over ``root``; ``variables`` are bound with a ``$`` before their names.

        :raises ExpressionFailure: it fails, or exceeds a bound
        """
        host: dict[str, Any] = {
            "parseJson": functions.parse_json,
            "hash": functions.hash_text,
            "uuid": functions.uuid_function(uuid_source),
            "eval": functions.refuse_eval,
            "replace": _replace(Meter()),
            **variables,
        }
        try:
            return self._expression.evaluate(
                root,
                host,
                timeout=TIME_LIMIT_SECONDS,
                max_depth=DEPTH_LIMIT,
                max_steps=STEP_LIMIT,
                max_string_length=TEXT_LIMIT,
                max_array_length=LIST_LIMIT,
                max_result_size=SIZE_LIMIT,
            )
        except ExpressionFailure:
            raise
        except jlens.JlensError as error:
            msg = f"{error} ({error.code})"
            raise ExpressionFailure(msg) from error
        except Exception as error:
            raise ExpressionFailure(str(error) or type(error).__name__) from error


def keeps_integers(value: object) -> bool:
    """Whether jlens would read every integer of a JSON value as it is."""
    if isinstance(value, int):
        return -_EXACT <= value <= _EXACT
    if isinstance(value, Mapping):
        return all(keeps_integers(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return all(keeps_integers(part) for part in value)
    return True


def _replace(meter: Meter) -> Callable[..., str | None]:
    def replace(
        text: object = None, pattern: Any = None, replacement: Any = None, limit: float | None = None, *_: object
    ) -> str | None:
        if text is None:
            return None
        if not isinstance(text, str) or pattern is None or not (isinstance(replacement, str) or callable(replacement)):
            msg = "$replace needs a text, a pattern and a replacement"
            raise ExpressionFailure(msg)
        return functions.replace(
            text, pattern if isinstance(pattern, str) else _matcher(pattern), replacement, limit, meter
        )

    return replace


def _matcher(function: Callable[..., Any]) -> functions.Matcher:
    """A JSONata matcher: called with a text it gives the first match, whose ``next`` gives the one after."""

    def matches(text: str) -> Iterator[functions.Match]:
        match = function(text)
        while match is not None:
            yield match
            following = match.get("next")
            match = following() if callable(following) else None

    return matches
