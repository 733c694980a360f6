"""Finds the mistakes in a template that do not depend on values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from jinja2 import nodes

from airflow_workflow_provider.model.templates.evaluation import FUNCTIONS
from airflow_workflow_provider.model.templates.filters import FILTERS, advice
from airflow_workflow_provider.model.templates.methods import METHODS
from airflow_workflow_provider.model.templates.parsing import Names, walk
from airflow_workflow_provider.model.templates.problems import Problem
from airflow_workflow_provider.model.templates.tests import TESTS
from airflow_workflow_provider.model.words import did_you_mean, listed, shown

_METHODS: Final = frozenset(name for methods in METHODS.values() for name in methods) | {"cycle"}


def problems(template: nodes.Template, names: Names) -> list[Problem]:
    """Return what is wrong, in the order of the text, each once.

    :param names: the names that it will see, with their fields where these are fixed
    """
    return list(dict.fromkeys(_problems(template, names)))


def _problems(template: nodes.Template, names: Names) -> Iterator[Problem]:
    own = set(_own_names(template))
    called = {id(node.node) for node, _ in walk(template) if isinstance(node, nodes.Call)}
    for node, _ in walk(template):
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in own:
            yield from _name(node, names, is_called=id(node) in called)
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            message = f"{_at(node)}there is no filter {shown(node.name)}"
            yield Problem("function", message, advice(node.name, FILTERS))
        elif isinstance(node, nodes.Test) and node.name not in TESTS:
            message = f"{_at(node)}there is no test {shown(node.name)}"
            hint = did_you_mean(node.name, TESTS) or f"known tests are: {', '.join(sorted(TESTS))}"
            yield Problem("function", message, hint)
        elif isinstance(node, nodes.Getattr) and id(node) in called and node.attr not in _METHODS:
            message = f"{_at(node)}there is no method {shown(node.attr)}"
            hint = did_you_mean(node.attr, _METHODS) or "docs/tasks.md lists the methods"
            yield Problem("function", message, hint)
        elif isinstance(node, nodes.Getattr | nodes.Getitem) and id(node) not in called:
            yield from _field(node, names, own)


def _name(node: nodes.Name, names: Names, *, is_called: bool) -> Iterator[Problem]:
    if node.name in names or (is_called and node.name in FUNCTIONS):
        return
    hint = did_you_mean(node.name, names) or f"templates see {listed(names)}"
    if is_called:
        message = f"{_at(node)}there is no function {shown(node.name)}"
        yield Problem("function", message, did_you_mean(node.name, FUNCTIONS) or f"there are {listed(FUNCTIONS)}")
    else:
        yield Problem("name", f"{_at(node)}{shown(node.name)} is not defined", hint)


def _field(node: nodes.Getattr | nodes.Getitem, names: Names, own: set[str]) -> Iterator[Problem]:
    """Yield a field that a name does not have, where its fields are fixed."""
    root = node.node
    if not isinstance(root, nodes.Name) or root.name in own:
        return
    fields = names.get(root.name)
    key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
    if fields is None or not isinstance(key, str) or key in fields:
        return
    hint = did_you_mean(key, fields) or f"it has {', '.join(sorted(fields))}"
    yield Problem("name", f"{_at(node)}{shown(root.name)} has no field {shown(key)}", hint)


def _own_names(template: nodes.Template) -> Iterator[str]:
    """Yield the names that the template itself defines, wherever it does."""
    for node, _ in walk(template):
        if isinstance(node, nodes.Name) and node.ctx in ("store", "param"):
            yield node.name
        elif isinstance(node, nodes.Macro):
            yield from (node.name, "caller", "varargs", "kwargs")
        elif isinstance(node, nodes.CallBlock):
            yield "caller"
        elif isinstance(node, nodes.For):
            yield "loop"


def _at(node: nodes.Node) -> str:
    return f"line {node.lineno}: " if node.lineno > 1 else ""
