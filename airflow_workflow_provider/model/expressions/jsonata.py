"""JSONata: one way in to the two engines.

jlens is taken when it is installed (extra ``fast``), else jsonata-python; the environment variable
``AIRFLOW_WORKFLOWS_JSONATA`` (``jlens`` or ``python``) chooses one. Both give the same results, which a shared table of
cases proves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

from airflow_workflow_provider.model.expressions.errors import ExpressionSyntaxError

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions import jsonata_python
    from airflow_workflow_provider.model.expressions.functions import UuidSource

ENGINE_VARIABLE: Final = "AIRFLOW_WORKFLOWS_JSONATA"


class Program(Protocol):
    """A compiled JSONata expression of either engine."""

    def evaluate(self, root: Mapping[str, Any], variables: Mapping[str, Any], uuid_source: UuidSource | None) -> Any:
        """Compute the value over ``root``; raises ``ExpressionFailure``."""


def engine() -> str:
    """The engine in use: ``jlens`` or ``python``."""
    chosen = os.environ.get(ENGINE_VARIABLE, "")
    if chosen in {"jlens", "python"}:
        return chosen
    return "jlens" if _jlens_installed() else "python"


def compile_jsonata(source: str) -> Program:
    """Compile an expression.

    :param source: the expression
    :raises ExpressionSyntaxError: it cannot be read
    """
    return _compile(source) if engine() == "jlens" else compile_in_python(source)


class _Compiled:
    """Runs on jlens, and where numbers would not survive that on jsonata-python."""

    def __init__(self, program: Program, source: str, survives: Callable[[object], bool]) -> None:
        self._program = program
        self._source = source
        self._survives = survives

    def evaluate(self, root: Mapping[str, Any], variables: Mapping[str, Any], uuid_source: UuidSource | None) -> Any:
        if self._survives(root) and self._survives(variables):
            return self._program.evaluate(root, variables, uuid_source)
        try:
            exact = compile_in_python(self._source)
        except ExpressionSyntaxError:
            return self._program.evaluate(root, variables, uuid_source)
        return exact.evaluate(root, variables, uuid_source)


@lru_cache(maxsize=1)
def _jlens_installed() -> bool:
    return find_spec("jlens") is not None


@lru_cache(maxsize=2048)
def _compile(source: str) -> Program:
    from airflow_workflow_provider.model.expressions import jsonata_jlens

    return _Compiled(jsonata_jlens.Program(source), source, jsonata_jlens.keeps_integers)


@lru_cache(maxsize=2048)
def compile_in_python(source: str) -> jsonata_python.Program:
    """Compile an expression for jsonata-python, whichever engine is in use."""
    from airflow_workflow_provider.model.expressions import jsonata_python as engine_in_python

    return engine_in_python.Program(source)
