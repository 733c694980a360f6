"""Which names a transform uses, found without running it.

What is found is a lower bound: a name behind a wildcard, a predicate or a computed key is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from airflow_workflow_provider.model.expressions.errors import ExpressionSyntaxError
from airflow_workflow_provider.model.expressions.functions import REFUSED

LENGTH: Final = 2
"""Names of a path that are noted."""


@dataclass(frozen=True)
class Names:
    """The names of one expression.

    :param reads: paths looked up in the bindings themselves, at most two names long
    :param unknown: names used with a ``$`` that nothing binds (JSONata)
    :param known: names that could be used with a ``$``
    """

    reads: frozenset[tuple[str, ...]] = frozenset()
    unknown: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()


def of_paths(paths: Mapping[str, Any]) -> Names:
    """The names of a CEL expression, from the tree of what it reads."""
    reads = {(root, name) for root, further in paths.items() for name in further} | {(root,) for root in paths}
    return Names(frozenset(reads))


def of_transform(kind: Literal["jmespath", "jsonata"], source: str, variables: Iterable[str] = ()) -> Names:
    """The names of a transform that compiles.

    :param kind: its language
    :param source: its expression
    :param variables: names that are bound with a ``$`` besides the functions (JSONata)
    """
    try:
        if kind == "jmespath":
            from airflow_workflow_provider.model.expressions.jmes import compile_jmespath

            return Names(compile_jmespath(source).reads())
        return _of_jsonata(source, frozenset(variables))
    except (ExpressionSyntaxError, RecursionError):
        # The caller that compiles it reports what is wrong with it.
        return Names()


def _of_jsonata(source: str, variables: frozenset[str]) -> Names:
    from airflow_workflow_provider.model.expressions.jsonata import NAMES, compile_jsonata

    walker = _Walker()
    walker.visit(compile_jsonata(source).tree, at_root=True)
    known = (NAMES | variables) - REFUSED
    unknown = sorted(walker.used - walker.bound - known - {"", "$"})
    return Names(frozenset(walker.reads), tuple(unknown), known)


class _Walker:
    """Walks the syntax tree of jsonata-python."""

    def __init__(self) -> None:
        self.reads: set[tuple[str, ...]] = set()
        self.used: set[str] = set()
        self.bound: set[str] = set()

    def visit(self, node: Any, *, at_root: bool) -> None:
        """Note the names below a node; ``at_root`` says whether its context is the bindings themselves."""
        if node is None:
            return
        self._bind(node)
        if node.type == "path":
            self._path(node, at_root=at_root)
        elif node.type == "variable":
            self.used.add(str(node.value))
        elif node.type == "bind":
            self.bound.add(str(node.lhs.value))
            self.visit(node.rhs, at_root=at_root)
        elif node.type == "lambda":
            self.bound.update(str(argument.value) for argument in node.arguments or ())
            self.visit(node.body, at_root=at_root)
        elif node.type == "transform":
            # its context is what it is applied to
            self._all((node.pattern, node.update, node.delete), at_root=False)
        else:
            self._parts(node, at_root=at_root)
        self._attachments(node)

    def _parts(self, node: Any, *, at_root: bool) -> None:
        single = (node.lhs, node.rhs, node.procedure, node.condition, node.then, node._else, node.expression)
        self._all(single, at_root=at_root)
        self._all(node.arguments or (), at_root=at_root)
        self._all(node.expressions or (), at_root=at_root)
        self._pairs(node.lhs_object, at_root=at_root)

    def _attachments(self, node: Any) -> None:
        for part in (*(node.predicate or ()), *(node.stages or ())):
            self._bind(part)
            if part.type == "index":
                self.bound.add(str(part.value))
            self.visit(part.expr, at_root=False)
        if node.group is not None:
            self._pairs(node.group.lhs_object, at_root=False)
        for term in node.terms or ():
            self.visit(term.expression, at_root=False)

    def _path(self, node: Any, *, at_root: bool) -> None:
        first, *further = node.steps
        self._bind(first)
        self._attachments(first)
        if first.type == "name":
            if at_root:
                self._read((first, *further))
        elif first.type == "variable" and (first.value == "$" or (first.value == "" and at_root)):
            self._read(further)
        else:
            self.visit(first, at_root=at_root)
        self._all(further, at_root=False)

    def _read(self, steps: Iterable[Any]) -> None:
        names: list[str] = []
        for step in steps:
            if step.type != "name" or not isinstance(step.value, str):
                break
            names.append(step.value)
            if len(names) == LENGTH or step.stages or step.predicate or step.focus:
                break
        if names:
            self.reads.add(tuple(names))

    def _bind(self, node: Any) -> None:
        for name in (node.focus, node.index):
            if isinstance(name, str):
                self.bound.add(name)

    def _all(self, nodes: Iterable[Any], *, at_root: bool) -> None:
        for node in nodes:
            self.visit(node, at_root=at_root)

    def _pairs(self, pairs: Any, *, at_root: bool) -> None:
        for pair in pairs or ():
            self._all(pair, at_root=at_root)
