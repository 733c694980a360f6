"""Evaluates the expressions of a template.

The values are those of JSON, and tuples. A field is looked up in an object and nowhere else; a call is one of a listed
method, of ``range``, ``dict`` or ``namespace``, or of a macro.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import nodes

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.templates.budget import Budget
from airflow_workflow_provider.model.templates.filters import FILTERS
from airflow_workflow_provider.model.templates.methods import METHODS, method_names
from airflow_workflow_provider.model.templates.operators import ARITHMETIC, calculated, unfit
from airflow_workflow_provider.model.templates.tests import COMPARISONS, TESTS, TOLERANT
from airflow_workflow_provider.model.templates.values import (
    ESCAPES,
    LONGEST_ESCAPE,
    MISSING,
    Group,
    Loop,
    Macro,
    Namespace,
    Safe,
    Scope,
    Undefined,
    kind_of,
    text_of,
)
from airflow_workflow_provider.model.words import did_you_mean, listed

FUNCTIONS: Final = frozenset({"range", "dict", "namespace"})

_SIGNS: Final[Mapping[type[nodes.Node], Callable[[Any], Any]]] = {nodes.Neg: operator.neg, nodes.Pos: operator.pos}


class Evaluator:
    """Evaluates the expressions of one template.

    :param values: the names that it sees
    :param strict: whether what is not there is an error; else it is an empty text
    :param budget: what it may take, where several templates share that
    :param html: whether the result is HTML, so that values in it are escaped
    """

    def __init__(
        self, values: Mapping[str, Any], *, strict: bool = True, budget: Budget | None = None, html: bool = False
    ) -> None:
        self.budget = budget or Budget()
        self.html = html
        self._strict = strict
        self._globals = Scope(dict(values))

    def value(self, node: nodes.Expr, scope: Scope) -> Any:
        """Return the value of an expression.

        :raises ExpressionFailure: it needs something that is not there
        """
        return self.required(self.maybe(node, scope))

    def required(self, value: Any) -> Any:
        """Return a value, if it is one.

        :raises ExpressionFailure: it is not there
        """
        if isinstance(value, Undefined):
            if self._strict:
                raise ExpressionFailure(value.describe())
            return ""
        return value

    def text(self, value: Any) -> str:
        """Return a value as text."""
        return text_of(self.required(value), self.budget)

    def escaped(self, value: Any) -> str:
        """Return a value as text that means itself in HTML."""
        text = self.text(value)
        if isinstance(text, Safe):
            return text
        self.budget.characters(len(text) * LONGEST_ESCAPE)
        escaped = text.translate(ESCAPES)
        return Safe(escaped) if self.html else escaped

    def maybe(self, node: nodes.Expr, scope: Scope) -> Any:
        """Return the value of an expression, or :class:`Undefined`."""
        self.budget.spend()
        return _EVALUATE[type(node)](self, node, scope)

    # Names and fields

    def _name(self, node: nodes.Name, scope: Scope) -> Any:
        found = scope.find(node.name)
        if found is MISSING:
            found = self._globals.find(node.name)
        if found is MISSING:
            if node.name in FUNCTIONS:
                message = f"{node.name!r} is a function: call it"
                raise ExpressionFailure(message)
            return Undefined(lambda: _unknown(node.name, self._globals.names))
        if isinstance(found, Macro):
            message = f"{node.name!r} is a macro: call it"
            raise ExpressionFailure(message)
        return found.fields if isinstance(found, Namespace) else found

    def _getattr(self, node: nodes.Getattr, scope: Scope) -> Any:
        return self.field(self.value(node.node, scope), node.attr)

    def _getitem(self, node: nodes.Getitem, scope: Scope) -> Any:
        target = self.value(node.node, scope)
        if isinstance(node.arg, nodes.Slice):
            start, stop, step = (
                None if part is None else self.value(part, scope)
                for part in (node.arg.start, node.arg.stop, node.arg.step)
            )
            return self.budget.made(self._sliceable(target)[start:stop:step])
        return self.field(target, self.value(node.arg, scope))

    @staticmethod
    def _sliceable(target: Any) -> Any:
        if isinstance(target, str | list | tuple):
            return target
        message = f"{kind_of(target)} has no slices"
        raise ExpressionFailure(message)

    def field(self, target: Any, key: Any) -> Any:
        """Return the field of an object, or the entry of a list or text; never anything of Python's."""
        if isinstance(target, dict):
            if isinstance(key, str) and key in target:
                return target[key]
        elif isinstance(target, Group) and key in Group.NAMES:
            return target[Group.NAMES.index(key)]
        elif isinstance(target, str | list | tuple) and isinstance(key, int):
            if -len(target) <= key < len(target):
                return target[key]
            return Undefined.because(f"{kind_of(target)} with {len(target)} entries has none at {key}")
        return Undefined(lambda: _missing(target, key))

    # Calls

    def _call(self, node: nodes.Call, scope: Scope) -> Any:
        callee = node.node
        if isinstance(callee, nodes.Getattr):
            target = self.value(callee.node, scope)
            args, kwargs = self.arguments(node, scope)
            return self.method(target, callee.attr, args, kwargs)
        if isinstance(callee, nodes.Name):
            found = scope.find(callee.name)
            if isinstance(found, Macro):
                args, kwargs = self.arguments(node, scope)
                return self.call_macro(found, args, kwargs)
            if found is MISSING and callee.name in FUNCTIONS and self._globals.find(callee.name) is MISSING:
                return self.budget.made(self._function(callee.name, *self.arguments(node, scope)))
            if isinstance(self.maybe(callee, scope), Undefined):
                message = f"there is no function {callee.name!r}; there are {listed(FUNCTIONS)}"
                raise ExpressionFailure(message)
        message = "only functions, macros and methods can be called; values cannot"
        raise ExpressionFailure(message)

    def method(self, target: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call a method of a text, list or object."""
        if isinstance(target, Loop) and name == "cycle" and args and not kwargs:
            return args[target["index0"] % len(args)]
        for kind, methods in METHODS.items():
            if isinstance(target, kind) and name in methods:
                return self._called(f"the method {name!r}", methods[name], target, args, kwargs)
        known = method_names(target)
        hint = did_you_mean(name, known)
        message = f"{kind_of(target)} has no method {name!r}" + (f": {hint}" if hint else "")
        raise ExpressionFailure(message)

    def _function(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if name == "range":
            numbers = range(*args) if args and not kwargs and all(isinstance(each, int) for each in args) else None
            if numbers is None:
                message = "range takes one to three whole numbers"
                raise ExpressionFailure(message)
            self.budget.entries(len(numbers))
            return list(numbers)
        given: list[Any] = []
        for each in args:
            given += each.items() if isinstance(each, dict) else map(self._pair, self.entries_of(each))
        return self.object_of([*given, *kwargs.items()])

    def _pair(self, value: Any) -> tuple[Any, Any]:
        entries = self.entries_of(value)
        if len(entries) != 2:  # noqa: PLR2004 - a key and its value
            message = "dict takes objects, and lists of pairs"
            raise ExpressionFailure(message)
        return entries[0], entries[1]

    @staticmethod
    def object_of(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
        """Return the object of some keys and values; its keys are texts."""
        for key, _ in pairs:
            if not isinstance(key, str):
                message = f"the keys of an object are texts, not {kind_of(key)}"
                raise ExpressionFailure(message)
        return dict(pairs)

    def call_macro(self, macro: Macro, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call a macro; those who can run statements say how."""
        raise NotImplementedError

    def arguments(self, node: nodes.Call | nodes.Filter | nodes.Test, scope: Scope) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of a call; what is not there stays so, for ``default``."""
        args = [self.maybe(each, scope) for each in node.args]
        kwargs: dict[str, Any] = {str(each.key): self.maybe(each.value, scope) for each in node.kwargs}
        if node.dyn_args is not None:
            args += self.entries_of(self.value(node.dyn_args, scope))
        if node.dyn_kwargs is not None:
            kwargs.update(self._pairs_of(self.value(node.dyn_kwargs, scope)))
        if not (isinstance(node, nodes.Filter) and node.name in TOLERANT_FILTERS):
            args = [self.required(each) for each in args]
            kwargs = {key: self.required(each) for key, each in kwargs.items()}
        return args, kwargs

    @staticmethod
    def _pairs_of(value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        message = f"the argument after ** is an object, not {kind_of(value)}"
        raise ExpressionFailure(message)

    def entries_of(self, value: Any) -> list[Any]:
        """Return what a loop goes over: entries of a list, keys of an object, characters of a text."""
        if isinstance(value, list | tuple | dict | str):
            self.budget.entries(len(value))
            return list(value)
        message = f"{kind_of(value)} has no entries"
        raise ExpressionFailure(message)

    def _filter(self, node: nodes.Filter, scope: Scope) -> Any:
        if node.node is None:
            message = f"the filter {node.name!r} needs a value"
            raise ExpressionFailure(message)
        return self.filtered(node, self.maybe(node.node, scope), scope)

    def filtered(self, node: nodes.Filter, value: Any, scope: Scope) -> Any:
        """Return what the filter of a node makes of a value."""
        return self.apply_filter(node.name, value, *self.arguments(node, scope))

    def apply_filter(self, name: str, value: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Return what a filter makes of a value."""
        self.budget.spend()
        if name not in FILTERS:
            message = f"there is no filter {name!r}"
            raise ExpressionFailure(message)
        if name not in TOLERANT_FILTERS:
            value = self.required(value)
        return self._called(f"the filter {name!r}", FILTERS[name], value, args, kwargs)

    def _called(
        self, what: str, function: Callable[..., Any], value: Any, args: list[Any], kwargs: dict[str, Any]
    ) -> Any:
        try:
            return self.budget.made(function(self, value, *args, **kwargs))
        except TypeError as error:
            message = f"{what} does not take {', '.join(map(kind_of, (value, *args, *kwargs.values())))}"
            raise ExpressionFailure(message) from error

    def _test(self, node: nodes.Test, scope: Scope) -> bool:
        if isinstance(node.node, nodes.Name) and isinstance(scope.find(node.node.name), Macro):
            return self.apply_test(node.name, True, *self.arguments(node, scope))
        return self.apply_test(node.name, self.maybe(node.node, scope), *self.arguments(node, scope))

    def apply_test(self, name: str, value: Any, args: list[Any], kwargs: dict[str, Any]) -> bool:
        """Return whether a test holds of a value."""
        self.budget.spend()
        if name not in TESTS:
            message = f"there is no test {name!r}"
            raise ExpressionFailure(message)
        value = value if name in TOLERANT else self.required(value)
        return bool(self._called(f"the test {name!r}", TESTS[name], value, args, kwargs))

    # Operators

    def _list(self, node: nodes.List, scope: Scope) -> Any:
        return self.budget.made([self.value(each, scope) for each in node.items])

    def _tuple(self, node: nodes.Tuple, scope: Scope) -> Any:
        return self.budget.made(tuple(self.value(each, scope) for each in node.items))

    def _dict(self, node: nodes.Dict, scope: Scope) -> Any:
        pairs = [(self.value(each.key, scope), self.value(each.value, scope)) for each in node.items]
        return self.budget.made(self.object_of(pairs))

    def _and(self, node: nodes.And, scope: Scope) -> Any:
        left = self.value(node.left, scope)
        return self.maybe(node.right, scope) if left else left

    def _or(self, node: nodes.Or, scope: Scope) -> Any:
        left = self.value(node.left, scope)
        return left if left else self.maybe(node.right, scope)

    def _not(self, node: nodes.Not, scope: Scope) -> bool:
        return not self.value(node.node, scope)

    def _condition(self, node: nodes.CondExpr, scope: Scope) -> Any:
        if self.value(node.test, scope):
            return self.maybe(node.expr1, scope)
        if node.expr2 is not None:
            return self.maybe(node.expr2, scope)
        return Undefined.because("the condition does not hold, and there is no 'else'")

    def _sign(self, node: nodes.UnaryExpr, scope: Scope) -> Any:
        value = self.value(node.node, scope)
        if not isinstance(value, int | float):
            message = f"a number is needed, not {kind_of(value)}"
            raise ExpressionFailure(message)
        return self.budget.made(_SIGNS[type(node)](value))

    def _concat(self, node: nodes.Concat, scope: Scope) -> str:
        parts = [self.text(self.maybe(each, scope)) for each in node.nodes]
        if self.html and any(isinstance(each, Safe) for each in parts):
            return Safe("".join(self.escaped(each) for each in parts))
        self.budget.characters(sum(map(len, parts)))
        return "".join(parts)

    def _binary(self, node: nodes.BinExpr, scope: Scope) -> Any:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        return self.calculated(type(node), left, right)

    def calculated(self, kind: type[nodes.Node], left: Any, right: Any) -> Any:
        """Return what an operator gives, after a look at how large that gets."""
        return calculated(kind, left, right, self.budget)

    def _compare(self, node: nodes.Compare, scope: Scope) -> bool:
        left = self.value(node.expr, scope)
        for each in node.ops:
            right = self.value(each.expr, scope)
            if not self.compared(each.op, left, right):
                return False
            left = right
        return True

    def compared(self, name: str, left: Any, right: Any) -> bool:
        """Return whether a comparison holds."""
        for each in (left, right):
            self.budget.size(each)
        try:
            return bool(COMPARISONS[name](left, right))
        except TypeError as error:
            raise unfit(left, right) from error


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    hint = did_you_mean(name, known)
    return f"{name!r} is not defined" + (f": {hint}" if hint else "")


def _missing(target: Any, key: Any) -> str:
    name = repr(key) if isinstance(key, str) else kind_of(key)
    if isinstance(key, str) and key in method_names(target):
        return f"{kind_of(target)} has no field {name}; its method is called by {key}()"
    hint = did_you_mean(key, target) if isinstance(target, dict) and isinstance(key, str) else None
    return f"{kind_of(target)} has no field {name}" + (f": {hint}" if hint else "")


TOLERANT_FILTERS: Final = frozenset({"default", "d"})

_EVALUATE: Final[Mapping[type[nodes.Node], Callable[[Evaluator, Any, Scope], Any]]] = {
    nodes.Const: lambda _, node, __: node.value,
    nodes.Name: Evaluator._name,
    nodes.Getattr: Evaluator._getattr,
    nodes.Getitem: Evaluator._getitem,
    nodes.Call: Evaluator._call,
    nodes.Filter: Evaluator._filter,
    nodes.Test: Evaluator._test,
    nodes.List: Evaluator._list,
    nodes.Tuple: Evaluator._tuple,
    nodes.Dict: Evaluator._dict,
    nodes.And: Evaluator._and,
    nodes.Or: Evaluator._or,
    nodes.Not: Evaluator._not,
    nodes.CondExpr: Evaluator._condition,
    nodes.Compare: Evaluator._compare,
    nodes.Concat: Evaluator._concat,
    **dict.fromkeys(_SIGNS, Evaluator._sign),
    **dict.fromkeys(ARITHMETIC, Evaluator._binary),
}
