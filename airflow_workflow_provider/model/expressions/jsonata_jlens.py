"""JSONata by jlens, the fast engine: written in Rust, with limits of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

_PRELUDE: Final = (
    "($replace := function($s, $p, $r, $l)<s-(sf)(sf)n?:s> "
    "{{ $replaceWithinBounds($s, $p, $type($p) = 'string' ? null : $match($s, $p, $l), $r, $l) }}; ({}\n))"
)
"""Put around an expression that may use ``$replace``: the engine's own has no bound and can take all memory there is.

It is written in JSONata, because a function of the host cannot ask a regular expression for its second match.
"""

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
            if "replace" in source:
                self._expression = jlens.Expression(_PRELUDE.format(source))
            # The engine's own has no bound: it compares each value with each other.
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
            "replaceWithinBounds": _replace(Meter()),
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
    """The host's part of ``$replace``: it gets the matches of a regular expression from the prelude."""

    def replace(text: Any = None, pattern: Any = None, matches: Any = None, how: Any = None, limit: Any = None) -> Any:
        if text is None:
            return None
        found = pattern if isinstance(pattern, str) else _matcher(matches)
        return functions.replace(text, found, how, limit, meter)

    return replace


def _matcher(matches: Any) -> functions.Matcher:
    found = [matches] if isinstance(matches, Mapping) else matches or []
    return lambda _text: ({**match, "start": match["index"]} for match in found)
