"""JMESPath, with bounds: the library's interpreter, stopped when it computes too much."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import jmespath
from jmespath import exceptions, functions, visitor

from airflow_workflow_provider.model.expressions.bounds import Meter
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure, ExpressionSyntaxError
from airflow_workflow_provider.model.expressions.functions import check_join
from airflow_workflow_provider.model.expressions.numbers import is_number, parse_number, same

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[Ee][-+]?[0-9]+)?", re.ASCII)
_LEAVES = frozenset({"literal", "current", "identity", "index", "slice"})
_FIRST_CHILD_ONLY = frozenset(
    {
        "subexpression", "index_expression", "pipe", "projection", "value_projection", "filter_projection", "flatten",
    }
)  # fmt: skip


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


class _Functions(functions.Functions):  # type: ignore[misc]  # the library has no type information
    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})  # type: ignore[untyped-decorator]
    def _func_join(self, separator: str, array: list[str]) -> str:
        check_join(array, separator)
        return separator.join(array)

    @functions.signature({"types": ["array", "string"]}, {"types": []})  # type: ignore[untyped-decorator]
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(same(search, item) for item in subject)

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_number(self, value: Any) -> Any:
        if isinstance(value, str):
            return parse_number(value) if _JSON_NUMBER.fullmatch(value) else None
        return value if is_number(value) else None

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class _Interpreter(visitor.TreeInterpreter):  # type: ignore[misc]  # the library has no type information
    def __init__(self, meter: Meter) -> None:
        super().__init__(visitor.Options(custom_functions=_Functions()))
        self._meter = meter

    def visit(self, node: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        self._meter.enter()
        result = super().visit(node, *args, **kwargs)
        self._meter.leave(result)
        return result

    def visit_comparator(self, node: dict[str, Any], value: Any) -> Any:
        """Equality of JSON values, in which true is not 1; the order of numbers, null for anything else."""
        left, right = (self.visit(child, value) for child in node["children"])
        sign = node["value"]
        if sign in {"eq", "ne"}:
            return same(left, right) is (sign == "eq")
        return _COMPARISONS[sign](left, right) if is_number(left) and is_number(right) else None


class Program:
    """A compiled JMESPath expression.

    :param source: the expression
    :raises ExpressionSyntaxError: it cannot be read, or calls a function that does not exist
    """

    def __init__(self, source: str) -> None:
        try:
            self.tree: dict[str, Any] = jmespath.compile(source).parsed
        except RecursionError as error:
            msg = "the expression is nested too deeply"
            raise ExpressionSyntaxError(msg, kind="size") from error
        except exceptions.JMESPathError as error:
            raise ExpressionSyntaxError(_first_line(error), getattr(error, "lex_position", None)) from error
        except Exception as error:
            raise ExpressionSyntaxError(str(error) or type(error).__name__) from error
        _check_functions(self.tree)

    def evaluate(self, root: Mapping[str, Any]) -> Any:
        """Compute the value over ``root``.

        :raises ExpressionFailure: it fails, or exceeds a bound
        """
        try:
            return _Interpreter(Meter()).visit(self.tree, root)
        except ExpressionFailure:
            raise
        except RecursionError as error:
            msg = "the value is nested too deeply"
            raise ExpressionFailure(msg) from error
        except MemoryError as error:
            msg = "the expression needs more memory than there is"
            raise ExpressionFailure(msg) from error
        except Exception as error:
            raise ExpressionFailure(_first_line(error)) from error

    def reads(self) -> frozenset[tuple[str, ...]]:
        """The paths that are looked up in the bindings themselves, at most two names long."""
        return frozenset(_reads(self.tree))


@lru_cache(maxsize=2048)
def compile_jmespath(source: str) -> Program:
    """Compile an expression; see :class:`Program`."""
    return Program(source)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0] or type(error).__name__


def _check_functions(node: dict[str, Any]) -> None:
    if node["type"] == "function_expression":
        name, given = node["value"], len(node["children"])
        known = functions.Functions.FUNCTION_TABLE
        if name not in known:
            msg = f"unknown function {name}()"
            raise ExpressionSyntaxError(msg, kind="name", name=name)
        signature = known[name]["signature"]
        variadic = bool(signature) and bool(signature[-1].get("variadic"))
        if given < len(signature) or (given > len(signature) and not variadic):
            wanted = f"at least {len(signature)}" if variadic else str(len(signature))
            msg = f"{name}() takes {wanted} arguments, {given} are given"
            raise ExpressionSyntaxError(msg, kind="type")
    for child in node.get("children", ()):
        if isinstance(child, dict):
            _check_functions(child)


def _reads(node: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    kind, children = node["type"], node.get("children", ())
    if kind == "field":
        yield (node["value"],)
    elif kind == "subexpression" and all(child["type"] == "field" for child in children[:2]):
        yield tuple(child["value"] for child in children[:2])
    elif kind in _FIRST_CHILD_ONLY:
        yield from _reads(children[0])
    elif kind not in _LEAVES and kind != "expref":
        for child in children:
            if isinstance(child, dict):
                yield from _reads(child)
