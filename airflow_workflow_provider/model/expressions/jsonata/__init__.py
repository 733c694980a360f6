"""JSONata: the parser and evaluator of jsonata-python, made exact, bounded and compatible with the reference.

There is one engine, so that a transform gives the same on every installation; ``docs/decisions/jsonata.md`` says why it
is this one. Numbers are in ``expressions.numbers``, the built-in functions in ``library``.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import uuid4

import jsonata.jsonata
from jsonata.jexception import JException

from airflow_workflow_provider.model.expressions import functions
from airflow_workflow_provider.model.expressions.bounds import Meter
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure, ExpressionSyntaxError
from airflow_workflow_provider.model.expressions.jsonata.data import NULL, with_null
from airflow_workflow_provider.model.expressions.jsonata.engine import Engine
from airflow_workflow_provider.model.expressions.jsonata.library import BUILT_IN, chance, host_function
from airflow_workflow_provider.model.expressions.jsonata.parser import is_callable
from airflow_workflow_provider.model.expressions.jsonata.patterns import RegularExpression
from airflow_workflow_provider.model.expressions.values import LEFT_OUT

# The engine reports some failures with print(); the standard output belongs to the command line.
jsonata.jsonata.print = lambda *_arguments, **_options: None

_MESSAGE_LIMIT: Final = 300
_HOST_FUNCTIONS: Final = {
    "parseJson": host_function("parseJson", functions.parse_json),
    "hash": host_function("hash", functions.hash_text, size=2),
}

NAMES: Final = frozenset({*BUILT_IN, *_HOST_FUNCTIONS, "uuid"})
"""The functions that can be called, without their ``$``."""


class Program:
    """A compiled JSONata expression.

    :param source: the expression
    :ivar flaws: why a new definition could not have it; one that was stored before is evaluated all the same
    :raises ExpressionSyntaxError: it cannot be read
    """

    def __init__(self, source: str) -> None:
        self.flaws: list[ExpressionSyntaxError] = []
        try:
            self._compiled = Engine(source, self._regular_expression, {**BUILT_IN, **_HOST_FUNCTIONS})
        except ExpressionSyntaxError:
            raise
        except JException as error:
            raise ExpressionSyntaxError(_words(error), error.location) from error
        except RecursionError as error:
            msg = "the expression is nested too deeply"
            raise ExpressionSyntaxError(msg, kind="size") from error
        except MemoryError as error:
            msg = "the expression needs more memory than there is"
            raise ExpressionSyntaxError(msg, kind="size") from error
        except Exception as error:
            raise ExpressionSyntaxError(str(error) or type(error).__name__) from error

    def _regular_expression(self, source: str, flags: Any) -> RegularExpression:
        found = RegularExpression(source, flags)
        if found.flaw is not None:
            self.flaws.append(found.flaw)
        return found

    @property
    def tree(self) -> Any:
        """The syntax tree, for looking at names."""
        return self._compiled.ast

    def evaluate(
        self,
        root: Any,
        variables: Mapping[str, Any],
        uuid_source: functions.UuidSource | None = None,
        at: datetime | None = None,
    ) -> Any:
        """Compute the value over ``root``, with :data:`NULL` and functions in it.

        :param variables: values bound with a ``$`` before their names
        :param uuid_source: gives the n-th ``$uuid()``
        :param at: the time that the expression sees; None for the host's clock
        :raises ExpressionFailure: it fails, or exceeds a bound
        """
        engine = copy.copy(self._compiled)
        engine.meter = Meter()
        engine.moment = round((time.time() if at is None else at.timestamp()) * 1000)
        engine.chance = chance(str(uuid4()) if uuid_source is None else uuid_source(-1))
        bound = {name: with_null(value) for name, value in variables.items()}
        bound["uuid"] = host_function("uuid", functions.uuid_function(uuid_source), size=0)
        try:
            return engine.compute(None if root is None else with_null(root), bound)
        except ExpressionFailure:
            raise
        except RecursionError as error:
            msg = "the expression calls itself too deep"
            raise ExpressionFailure(msg) from error
        except MemoryError as error:
            msg = "the expression needs more memory than there is"
            raise ExpressionFailure(msg) from error
        except JException as error:
            msg = f"{_words(error)} ({error.error})"
            raise ExpressionFailure(msg) from error
        except Exception as error:
            raise ExpressionFailure(str(error) or type(error).__name__) from error


def _words(error: JException) -> str:
    # The library's texts say "Object" where they mean a function.
    text = str(error).replace(" Object ", " function ")
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "…"


def as_json(value: Any) -> Any:
    """What a value of the engine that is not JSON stands for in a result.

    :raises ExpressionFailure: nothing
    """
    if value is NULL:
        return None
    if is_callable(value):
        return LEFT_OUT
    msg = f"the result has a value that is not JSON: {type(value).__name__}"
    raise ExpressionFailure(msg)


@lru_cache(maxsize=2048)
def compile_jsonata(source: str) -> Program:
    """Compile an expression.

    :param source: the expression
    :raises ExpressionSyntaxError: it cannot be read
    """
    return Program(source)
