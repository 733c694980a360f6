"""The evaluator of JSONata: jsonata-python's, exact, bounded, and compatible with the reference in JavaScript.

Inside an evaluation ``None`` is JSONata's *nothing* and ``NULL`` is JSON's null.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.parser import Parser
from jsonata.utils import Utils

from airflow_workflow_provider.model.expressions.jsonata.data import NULL
from airflow_workflow_provider.model.expressions.jsonata.operators import operate
from airflow_workflow_provider.model.expressions.jsonata.parser import (
    COALESCE,
    DEFAULT,
    ExpressionParser,
    Signature,
    fault,
)
from airflow_workflow_provider.model.expressions.jsonata.paths import PathEngine
from airflow_workflow_provider.model.expressions.jsonata.sequences import Native, clone, truth
from airflow_workflow_provider.model.expressions.numbers import is_number, normal

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions.bounds import Meter

_MEASURED: Final = frozenset({"unary", "binary", "function", "apply", "path"})
"""Nodes that can build a value larger than what they read."""


class Engine(PathEngine):
    """One expression; a copy of it, with a meter, does one evaluation.

    :param source: the expression
    :param regex_engine: makes a pattern of a regular expression
    :param functions: the built-in functions by name
    :raises JException: the expression cannot be read
    """

    meter: Meter
    moment: int
    """The time that ``$now()`` and ``$millis()`` return, in milliseconds since the epoch."""
    chance: random.Random
    """Where ``$random()`` and ``$shuffle()`` get their numbers from."""

    def __init__(self, source: str, regex_engine: Any, functions: Mapping[str, Native]) -> None:
        self.parser = ExpressionParser()
        self.ast = self.parser.parse(source, regex_engine)
        self._functions = functions

    def compute(self, root: Any, bound: Mapping[str, Any]) -> Any:
        """Compute the value over ``root``; ``bound`` are the values and functions used with a ``$``."""
        frame = self.create_frame(None)
        frame.bindings = {**self._functions, **bound, "$": root}
        self.environment = frame
        if isinstance(root, list):
            root = Utils.create_sequence(root)
            root.outer_wrapper = True
        return self.eval(self.ast, root, frame)

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:
        """Evaluate one node, counted."""
        self.meter.enter()
        kind = expr.type
        handler = _HANDLERS.get(kind)
        result = None if handler is None else handler(self, expr, input, environment)
        if expr.predicate is not None:
            for item in expr.predicate:
                result = self.evaluate_filter(item.expr, result, environment)
        if kind != "path" and expr.group is not None:
            result = self.evaluate_group_expression(expr.group, result, environment)
        self.meter.leave(result, measured=kind in _MEASURED and not getattr(expr, "looks_up", False))
        if isinstance(result, Utils.JList) and result.sequence and not result.tuple_stream:
            if expr.keep_array:
                result.keep_singleton = True
            if not result:
                return None
            if len(result) == 1 and not result.keep_singleton:
                return result[0]
        return result

    # operators

    def evaluate_binary(self, expr: Any, input: Any, environment: Any) -> Any:
        """``and``, ``or`` and the operators that need both sides."""
        sign = str(expr.value)
        left = self.eval(expr.lhs, input, environment)
        if sign == "and":
            return truth(left) and truth(self.eval(expr.rhs, input, environment))
        if sign == "or":
            return truth(left) or truth(self.eval(expr.rhs, input, environment))
        return operate(self.meter, sign, left, self.eval(expr.rhs, input, environment))

    def evaluate_unary(self, expr: Any, input: Any, environment: Any) -> Any:
        """A negation, or an array or object that is written out."""
        sign = str(expr.value)
        if sign == "{":
            return self.evaluate_group_expression(expr, input, environment)
        if sign == "[":
            return self._array(expr, input, environment)
        value = self.eval(expr.expression, input, environment)
        if value is None:
            return None
        if not is_number(value):
            raise fault(expr.position, "D1002", expr.value, value)
        return normal(-value)

    def _array(self, expr: Any, input: Any, environment: Any) -> Any:
        result = Utils.JList()
        for item in expr.expressions:
            value = self.eval(item, input, environment)
            if value is None:
                continue
            if isinstance(value, list) and str(item.value) != "[":
                self.meter.room(len(result) + len(value))
                result.extend(value)
            else:
                result.append(value)
        result.cons = bool(expr.consarray)
        return result

    def evaluate_condition(self, expr: Any, input: Any, environment: Any) -> Any:
        """``condition ? then : else``."""
        if truth(self.eval(expr.condition, input, environment)):
            return self.eval(expr.then, input, environment)
        return None if expr._else is None else self.eval(expr._else, input, environment)

    def evaluate_default(self, expr: Any, input: Any, environment: Any) -> Any:
        """``left ?: right`` and ``left ?? right``."""
        left = self.eval(expr.lhs, input, environment)
        counts = truth(left) if expr.type == DEFAULT else left is not None
        return left if counts else self.eval(expr.rhs, input, environment)

    def evaluate_transform_expression(self, expr: Any, _input: Any, environment: Any) -> Any:
        """``|pattern|update, delete|``: a function that gives a changed copy."""

        def transform(engine: Engine, value: Any) -> Any:
            if value is None:
                return None
            result = clone(value)
            matches = engine.eval(expr.pattern, result, environment)
            for match in [] if matches is None else matches if isinstance(matches, list) else [matches]:
                engine.change(expr, match, environment)
            return result

        return Native("transform", Signature("<(oa):o>", "transform"), transform, 1)

    def change(self, expr: Any, match: Any, environment: Any) -> None:
        """Update and delete fields of one match of a transform."""
        update = self.eval(expr.update, match, environment)
        if update is not None:
            if not isinstance(update, dict):
                raise fault(expr.update.position, "T2011", update)
            if isinstance(match, dict):
                match.update(update)
        if expr.delete is None:
            return
        deletions = self.eval(expr.delete, match, environment)
        for name in [] if deletions is None else deletions if isinstance(deletions, list) else [deletions]:
            if not isinstance(name, str):
                raise fault(expr.delete.position, "T2012", deletions)
            if isinstance(match, dict):
                match.pop(name, None)

    # functions

    def evaluate_function(self, expr: Any, input: Any, environment: Any, applied: Any) -> Any:
        """A call; ``applied`` is the first argument where it stands before ``~>``."""
        function = self.eval(expr.procedure, input, environment)
        if function is None:
            procedure = expr.procedure
            name = procedure.steps[0].value if procedure.type == "path" else procedure.value
            known = procedure.type == "path" and environment.lookup(str(name)) is not None
            raise fault(expr.position, "T1005" if known else "T1006", name)
        arguments = [] if applied is Utils.NONE else [applied]
        arguments.extend(self.eval(argument, input, environment) for argument in expr.arguments or ())
        try:
            return self.apply(function, arguments, input, environment)
        except JException as error:
            if error.location < 0:
                error.location = expr.position
            raise

    def call(self, function: Any, arguments: Sequence[Any]) -> Any:
        """Call a function value of any sort."""
        return self.apply(function, list(arguments), None, self.environment)

    def partial_apply_native_function(self, native: Any, args: Sequence[Any]) -> Any:
        """A built-in function some of whose arguments are given."""

        def work(engine: Engine, *rest: Any) -> Any:
            left = iter(rest)
            return engine.call(native, [next(left, None) if _is_open(given) else given for given in args])

        return Native(native.function_name, None, work, sum(map(_is_open, args)))

    def apply_inner(self, proc: Any, args: Any, input: Any, environment: Any) -> Any:
        """Call a function with arguments that its signature is compared with."""
        self.meter.tick()
        if isinstance(proc, Native):
            given = args if proc.signature is None else proc.signature.validate(args, input)
            return proc.run(self, given)
        if Functions.is_regex(proc):
            return _first_match(proc.finditer(args[0])) if args and isinstance(args[0], str) else None
        if not Functions.is_lambda(proc):
            raise fault(0, "T1006")
        return super().apply_inner(proc, args, input, environment)


_HANDLERS: Final[dict[str, Callable[..., Any]]] = {
    "path": Engine.evaluate_path,
    "binary": Engine.evaluate_binary,
    "unary": Engine.evaluate_unary,
    "name": Engine.evaluate_name,
    "string": lambda _self, expr, _input, _environment: expr.value,
    "number": lambda _self, expr, _input, _environment: expr.value,
    "value": lambda _self, expr, _input, _environment: NULL if expr.value is None else expr.value,
    "wildcard": lambda self, expr, input, _environment: self.evaluate_wildcard(expr, input),
    "descendant": lambda self, expr, input, _environment: self.evaluate_descendants(expr, input),
    "parent": lambda _self, expr, _input, environment: environment.lookup(expr.slot.label),
    "condition": Engine.evaluate_condition,
    DEFAULT: Engine.evaluate_default,
    COALESCE: Engine.evaluate_default,
    "block": Engine.evaluate_block,
    "bind": Engine.evaluate_bind_expression,
    "regex": lambda _self, expr, _input, _environment: expr.value,
    "function": lambda self, expr, input, environment: self.evaluate_function(expr, input, environment, Utils.NONE),
    "variable": Engine.evaluate_variable,
    "lambda": Engine.evaluate_lambda,
    "partial": Engine.evaluate_partial_application,
    "apply": Engine.evaluate_apply_expression,
    "transform": Engine.evaluate_transform_expression,
}


def _first_match(found: Iterator[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What a regular expression gives as a function: a match, and a function for the next one."""
    match = next(found, None)
    return None if match is None else {**match, "next": Native("next", None, lambda _engine: _first_match(found), 0)}


def _is_open(argument: Any) -> bool:
    return isinstance(argument, Parser.Symbol) and argument.type == "operator" and argument.value == "?"
