"""The values of templates besides JSON values, and how values become text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.words import shown

if TYPE_CHECKING:
    from jinja2 import nodes

    from airflow_workflow_provider.model.templates.budget import Budget


@dataclass(frozen=True)
class Undefined:
    """Stands for what is not there; ``default`` and ``is defined`` take it, everything else fails.

    :param describe: returns what is missing, when it is needed for a message
    """

    describe: Callable[[], str]

    @classmethod
    def because(cls, message: str) -> Self:
        """Return what is missing for a reason that costs nothing to describe."""
        return cls(lambda: message)


class Safe(str):
    """Text that is HTML already; only where a template gives HTML."""

    __slots__ = ()


class Loop(dict[str, Any]):
    """``loop``: an object like any other, which also knows ``loop.cycle``."""


class Group(tuple[Any, list[Any]]):
    """What ``groupby`` gives: a pair whose parts are called ``grouper`` and ``list`` too."""

    __slots__ = ()
    NAMES: Final = ("grouper", "list")


@dataclass
class Namespace:
    """What ``namespace()`` makes where it is assigned to a name: an object with fields that can be set.

    :param fields: they are replaced as a whole, so that a caller that holds them keeps what they were
    """

    fields: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Macro:
    """A macro, or the ``caller`` of one.

    :param names: names of the parameters
    :param defaults: default values of the last ones
    :param uses: which of ``caller``, ``varargs`` and ``kwargs`` the body names
    """

    name: str
    names: tuple[str, ...]
    defaults: tuple[nodes.Expr, ...]
    body: list[nodes.Node]
    scope: Scope
    uses: frozenset[str] = frozenset()


@dataclass(eq=False)
class Scope:
    """Names and what they stand for."""

    names: dict[str, Any] = field(default_factory=dict)
    parent: Scope | None = None

    def find(self, name: str) -> Any:
        """Return what a name stands for; :data:`MISSING` for nothing."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return MISSING

    def inner(self, names: dict[str, Any] | None = None) -> Scope:
        """Return a scope within this one."""
        return Scope({} if names is None else names, self)


MISSING: Final = object()
ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;"})
LONGEST_ESCAPE: Final = 5


def kind_of(value: Any) -> str:
    """Return what a value is, for messages."""
    return "a text" if isinstance(value, str) else shown(value)


def text_of(value: Any, budget: Budget) -> str:
    """Return a value as Jinja writes it into a text.

    :raises ExpressionFailure: it is no value of JSON
    """
    if isinstance(value, str):
        budget.characters(len(value))
        return value
    if value is None or isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple | dict):
        budget.characters(budget.size(value))
        return str(budget.made(str(value)))
    message = f"{kind_of(value)} is no value"
    raise ExpressionFailure(message)
