"""The three expression languages of the format: CEL conditions, JMESPath and JSONata transforms.

Everything is compiled once and may be evaluated often; results are fresh plain JSON values. An expression that cannot
be compiled raises :class:`ExpressionSyntaxError`, one that fails in a run :class:`ExpressionFailure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_workflow_provider.model.expressions import cel
from airflow_workflow_provider.model.expressions.cel import CelProgram, Condition
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure, ExpressionSyntaxError
from airflow_workflow_provider.model.expressions.values import plain

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.model.expressions.functions import UuidSource
    from airflow_workflow_provider.model.fields import ArgumentTransform, Transform

__all__ = [
    "UI_NAMES",
    "X1_NAMES",
    "CelProgram",
    "CompiledTransform",
    "Condition",
    "ExpressionFailure",
    "ExpressionSyntaxError",
    "compile_cel",
    "compile_condition",
    "compile_transform",
    "usable_name",
]

X1_NAMES: Final = frozenset({"input", "steps", "variables", "output", "attempt", "error", "event", "workflow", "data"})
"""The names bound in every expression of a step (rule X1)."""

UI_NAMES: Final = X1_NAMES | {"status", "progress", "user"}
"""The names bound in the conditions of UI components (rule U1)."""

TRANSFORM_LIMIT: Final = 10_000
"""Characters of a transform's expression."""

usable_name = cel.usable_name


class CompiledTransform:
    """A transform, ready to be evaluated.

    :param kind: the language
    :param source: the expression
    :param names: the names that are bound when it is evaluated; they matter to CEL only
    :raises ExpressionSyntaxError: it cannot be compiled
    """

    def __init__(
        self, kind: Literal["jmespath", "jsonata", "cel"], source: str, names: frozenset[str] = X1_NAMES
    ) -> None:
        self.kind = kind
        self.source = source
        self._names = names
        if kind != "cel":
            _check_source(source)
        self._program()

    def evaluate(
        self,
        bindings: Mapping[str, Any],
        *,
        variables: Mapping[str, Any] | None = None,
        uuid_source: UuidSource | None = None,
        at: datetime | None = None,
    ) -> Any:
        """Compute the value; a transform that gives nothing gives None (rule X3).

        :param bindings: the root that the expression looks at
        :param variables: JSONata only: further values by name, used with a ``$`` before it
        :param uuid_source: JSONata only: gives the n-th ``$uuid()``, n counted from 0; without one they are random
        :param at: JSONata only: the time that the expression sees; the host's clock without one
        :raises ExpressionFailure: it fails, or exceeds a bound
        """
        program = self._program()
        try:
            if self.kind == "jsonata":
                from airflow_workflow_provider.model.expressions.jsonata import as_json

                found = program.evaluate(bindings, variables or {}, uuid_source, at)
                return plain(found, whole_numbers=True, foreign=as_json)
            return plain(program.evaluate(bindings))
        except RecursionError as error:
            msg = "the data is nested too deeply"
            raise ExpressionFailure(msg) from error
        except MemoryError as error:
            msg = "the expression needs more memory than there is"
            raise ExpressionFailure(msg) from error

    def flaw(self) -> ExpressionSyntaxError | None:
        """Return why a new definition could not have it, though one that was stored before is evaluated."""
        return next(iter(getattr(self._program(), "flaws", ())), None)

    def _program(self) -> Any:
        if self.kind == "cel":
            return cel.compile_cel(self.source, self._names)
        if self.kind == "jsonata":
            from airflow_workflow_provider.model.expressions.jsonata import compile_jsonata

            return compile_jsonata(self.source)
        from airflow_workflow_provider.model.expressions.jmes import compile_jmespath

        return compile_jmespath(self.source)


def compile_condition(source: str, names: frozenset[str] = X1_NAMES) -> Condition:
    """A CEL condition.

    :param source: the expression
    :param names: the names that are bound when it is evaluated
    :raises ExpressionSyntaxError: it cannot be compiled, names something unbound, or can never yield a boolean
    """
    return cel.compile_condition(source, names)


def compile_cel(source: str, names: frozenset[str] = X1_NAMES) -> CelProgram:
    """A CEL expression of any type, as arguments may have (rule K3).

    :param source: the expression
    :param names: the names that are bound when it is evaluated
    :raises ExpressionSyntaxError: it cannot be compiled, or names something unbound
    """
    return cel.compile_cel(source, names)


@lru_cache(maxsize=2048)
def compile_transform(transform: Transform | ArgumentTransform, names: frozenset[str] = X1_NAMES) -> CompiledTransform:
    """A transform.

    :param transform: its language and expression
    :param names: the names that are bound when it is evaluated
    :raises ExpressionSyntaxError: it cannot be compiled
    """
    return CompiledTransform(transform.type, transform.expression, names)


def _check_source(source: str) -> None:
    if len(source) > TRANSFORM_LIMIT:
        message = f"the expression has {len(source)} characters, at most {TRANSFORM_LIMIT} are allowed"
        raise ExpressionSyntaxError(message, kind="size")
    if not source.strip():
        msg = "the expression is empty"
        raise ExpressionSyntaxError(msg, kind="empty")
