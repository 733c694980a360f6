"""From the text of a template to its tree; Jinja does it, and nothing here evaluates anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes

from airflow_workflow_provider.model.templates.problems import TemplateSyntax

Names = Mapping[str, Collection[str] | None]

MAX_LENGTH: Final = 100_000
MAX_DEPTH: Final = 120
_CACHED_LENGTH: Final = 4_000

_STATEMENTS: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Block: "block",
    nodes.Extends: "extends",
    nodes.FromImport: "from … import",
    nodes.Import: "import",
    nodes.Include: "include",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_UNDERSTOOD: Final = frozenset(
    {
        *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.NSRef),
        *(nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock, nodes.With, nodes.Macro, nodes.CallBlock),
        *(nodes.FilterBlock, nodes.Scope),
        *(nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Call, nodes.Keyword, nodes.Filter, nodes.Test),
        *(nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.CondExpr, nodes.Compare, nodes.Operand),
        *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div),
        *(nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Concat),
    }
)
"""What a tree may have; everything else of Jinja is refused."""

_READER: Final = Environment(autoescape=False)  # noqa: S701 - it only reads; nothing is rendered with it


def parsed(text: str) -> nodes.Template:
    """Return the tree of a template, which has only nodes that can be evaluated.

    :raises TemplateSyntax: it cannot be read, or is too long or too deep
    """
    if len(text) > MAX_LENGTH:
        message = f"the template has {len(text):,} characters; at most {MAX_LENGTH:,} are read"
        raise TemplateSyntax(message, "compute the value by a transform in the step's arguments")
    return _remembered(text) if len(text) <= _CACHED_LENGTH else _parsed(text)


def walk(template: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Yield every node with its depth, in the order of the text; needs no stack for deep trees."""
    waiting = [(template, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in reversed(list(node.iter_child_nodes())))


def _parsed(text: str) -> nodes.Template:
    try:
        template = _READER.parse(text)
    except TemplateSyntaxError as error:
        message = f"line {error.lineno}: {error.message}"
        raise TemplateSyntax(message) from error
    except (RecursionError, MemoryError) as error:
        message = "the template is nested too deeply"
        raise TemplateSyntax(message) from error
    except (ValueError, ArithmeticError, SyntaxError) as error:
        message = f"a number or text in the template cannot be read: {error}"
        raise TemplateSyntax(message) from error
    for node, depth in walk(template):
        if depth > MAX_DEPTH:
            message = f"line {node.lineno}: the template is nested more than {MAX_DEPTH} levels deep"
            raise TemplateSyntax(message)
        if type(node) not in _UNDERSTOOD:
            name = _STATEMENTS.get(type(node), type(node).__name__)
            message = f"line {node.lineno}: templates do not support {name!r}"
            raise TemplateSyntax(message, "write everything in one template")
        if isinstance(node, nodes.For) and node.recursive:
            message = f"line {node.lineno}: templates do not support recursive loops"
            raise TemplateSyntax(message, "use a macro, or compute the value by a transform in the step's arguments")
    return template


_remembered = lru_cache(maxsize=256)(_parsed)
