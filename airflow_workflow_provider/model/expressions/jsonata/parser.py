"""The parser of JSONata expressions: jsonata-python's, corrected where it differs from JavaScript's."""

from __future__ import annotations

from typing import Any, Final

from jsonata import signature, tokenizer
from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.parser import Parser
from jsonata.utils import Utils

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.jsonata.data import Array, Object
from airflow_workflow_provider.model.expressions.numbers import is_number, literal
from airflow_workflow_provider.model.expressions.values import join_surrogates

DEFAULT: Final = "default"
"""Node of ``a ?: b``: the left side where it counts as true, else the right side."""
COALESCE: Final = "coalesce"
"""Node of ``a ?? b``: the left side where there is one, else the right side."""

_SYMBOLS: Final[dict[type, str]] = {
    str: "s", bool: "b", int: "n", float: "n", list: "a", Array: "a", Utils.JList: "a", dict: "o", Object: "o",
    type(None): "m", type(Utils.NULL_VALUE): "l",
}  # fmt: skip


class Signature(signature.Signature):  # type: ignore[misc]  # the library has no type information
    """A function's signature in which null is a value of its own and not a missing one."""

    def get_symbol(self, value: Any) -> str:
        """The letter of a value's type."""
        return _SYMBOLS.get(type(value)) or _symbol(value)

    def validate(self, args: Any, context: Any) -> Any:
        """The arguments, with the context in the place of one that may be missing."""
        try:
            return super().validate(args, context)
        except JException as error:
            if error.error != "T0411":
                raise
            msg = f"${self.function_name} has no argument {error.expected}, and the context has another type"
            raise ExpressionFailure(msg) from error


def fault(position: int, code: str, *values: Any) -> JException:
    """The library's error with a code.

    :param position: where in the expression; -1 where that is not known
    :param values: what its text names
    """
    return JException(code, position, *values)


def _symbol(value: Any) -> str:
    """The letter of a value whose class is derived from JSON's, or of a function."""
    return next((letter for kind, letter in _SYMBOLS.items() if isinstance(value, kind)), "f")


class _Tokenizer(tokenizer.Tokenizer):  # type: ignore[misc]  # the library has no type information
    def create(self, type: Any, value: Any) -> Any:
        """A token; whole numbers keep their digits, and escaped surrogate pairs are one character."""
        if type == "number" and is_number(value):
            value = literal(self.path, self.position, value)
        elif type == "string":
            value = join_surrogates(value)
        return super().create(type, value)


class _InfixDefault(Parser.Infix):  # type: ignore[misc]  # the library has no type information
    """``?:`` and ``??``, which evaluate their left side once."""

    def led(self, left: Any) -> Any:
        self.type = DEFAULT if self.id == "?:" else COALESCE
        self.lhs = left
        self.rhs = self._outer_instance.expression(0)
        return self


class ExpressionParser(Parser):  # type: ignore[misc]  # the library has no type information
    """Parses one expression."""

    def __init__(self) -> None:
        super().__init__()
        for sign in ("?:", "??"):
            del self.symbol_table[sign]
            self.register(_InfixDefault(self, sign, tokenizer.Tokenizer.operators[sign]))

    def parse(self, source: str, regex_engine: Any = None) -> Any:
        """The syntax tree of an expression.

        :raises JException: it cannot be read
        """
        self.source = source
        self.lexer = _Tokenizer(source, regex_engine)
        self.advance()
        tree = self.expression(0)
        if self.node.id != "(end)":
            raise fault(self.node.position, "S0201", self.node.value)
        tree = self.process_ast(tree)
        if tree.type == "parent" or tree.seeking_parent is not None:
            raise fault(tree.position, "S0217", tree.type)
        return tree

    def process_ast(self, node: Any) -> Any:
        """The node as the evaluator needs it."""
        if node is not None and node.type in (DEFAULT, COALESCE):
            node.lhs = self.process_ast(node.lhs)
            self.push_ancestry(node, node.lhs)
            node.rhs = self.process_ast(node.rhs)
            self.push_ancestry(node, node.rhs)
            return node
        if node is not None and node.type == "unary" and str(node.value) == "-":
            processed = self._negated(node)
        else:
            processed = super().process_ast(node)
        if processed is None:
            return None
        if processed.signature is not None:
            processed.signature.__class__ = Signature
        if processed.type == "path":
            processed.looks_up = all(_looks_up(step) for step in processed.steps)
        return processed

    def _negated(self, node: Any) -> Any:
        """A negation, or the negative number where it is one of a number that is written out."""
        inner = self.process_ast(node.expression)
        if inner.type == "number" and inner.predicate is None:
            inner.value = -inner.value
            return inner
        node.expression = inner
        self.push_ancestry(node, inner)
        return node


def _looks_up(step: Any) -> bool:
    """Whether a step of a path only looks up a name, so that it gives no more than it reads."""
    return step.type == "name" and not (step.stages or step.predicate or step.group or step.tuple)


def is_callable(value: object) -> bool:
    """Whether a value is a function of any sort: a built-in, a lambda or a regular expression."""
    if value is None or isinstance(value, (str, int, float, list, dict)):
        return False
    return bool(Utils.is_function(value) or Functions.is_lambda(value) or Functions.is_regex(value))
