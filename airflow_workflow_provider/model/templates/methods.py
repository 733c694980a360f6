"""The methods that templates may call: those of texts, lists and objects that only compute.

Each is called with the evaluator and the value in front of its own arguments. What could make much of little asks the
budget first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.templates.texts import brace_format
from airflow_workflow_provider.model.templates.values import kind_of

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.evaluating import Evaluation

Method = Callable[..., Any]

_WORST_CASE: Final = 3
"""How much longer a text can get by changing the case of its letters."""


def _plain(method: Callable[..., Any], growth: int = 1) -> Method:
    """A method whose result is about as large as its text; every text among its arguments is read once."""

    def call(evaluator: Evaluation, text: str, *args: Any, **kwargs: Any) -> Any:
        for each in (text, *args, *kwargs.values()):
            if isinstance(each, str):
                evaluator.budget.characters(len(each) * growth)
        return _as_list(method(text, *args, **kwargs))

    return call


def _searched_backwards(method: Callable[..., Any]) -> Method:
    """A search from the end, for which Python compares the whole of what is sought at each place."""
    plain = _plain(method)

    def call(evaluator: Evaluation, text: str, part: Any, *bounds: Any) -> Any:
        evaluator.budget.comparisons(len(text), len(part) if isinstance(part, str) else 0)
        return plain(evaluator, text, part, *bounds)

    return call


def _stripped(method: Callable[..., str]) -> Method:
    plain = _plain(method)

    def call(evaluator: Evaluation, text: str, chars: Any = None) -> Any:
        if isinstance(chars, str):
            evaluator.budget.characters(len(chars))
            chars = "".join(dict.fromkeys(chars))
            evaluator.budget.comparisons(len(text), len(chars))
        return plain(evaluator, text, chars)

    return call


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _padded(method: Callable[..., str]) -> Method:
    def call(evaluator: Evaluation, text: str, width: Any, *fill: Any) -> str:
        evaluator.budget.characters(max(len(text), _count(width)))
        return method(text, width, *fill)

    return call


def _split(method: Callable[..., list[str]]) -> Method:
    def call(evaluator: Evaluation, text: str, sep: Any = None, maxsplit: Any = -1) -> list[str]:
        evaluator.budget.characters(len(text))
        evaluator.budget.entries(text.count(sep) if isinstance(sep, str) and sep else len(text) // 2)
        return method(text, sep, maxsplit)

    return call


def _rsplit(evaluator: Evaluation, text: str, sep: Any = None, maxsplit: Any = -1) -> list[str]:
    evaluator.budget.comparisons(len(text), len(sep) if isinstance(sep, str) else 0)
    found: list[str] = _split(str.rsplit)(evaluator, text, sep, maxsplit)
    return found


def _splitlines(evaluator: Evaluation, text: str, keepends: Any = False) -> list[str]:
    evaluator.budget.entries(len(text) // 8)
    return text.splitlines(bool(keepends))


def _count(value: Any) -> int:
    if isinstance(value, int):
        return value
    message = f"a whole number is needed, not {kind_of(value)}"
    raise ExpressionFailure(message)


def replaced(evaluator: Evaluation, text: str, old: Any, new: Any, count: Any = -1) -> str:
    """Return a text with parts of it replaced, after a look at how long that gets."""
    if not (isinstance(old, str) and isinstance(new, str)):
        message = "replace takes texts"
        raise ExpressionFailure(message)
    evaluator.budget.characters(len(text))
    evaluator.budget.characters(len(text) + text.count(old) * len(new))
    return text.replace(old, new, _count(count))


def joined(evaluator: Evaluation, separator: str, values: Any) -> str:
    """Return texts as one, with a separator between them."""
    parts = [evaluator.text(each) for each in evaluator.entries_of(values)]
    evaluator.budget.characters(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _expandtabs(evaluator: Evaluation, text: str, tabsize: Any = 8) -> str:
    evaluator.budget.characters(len(text) + text.count("\t") * max(_count(tabsize), 0))
    return text.expandtabs(tabsize)


def _format(evaluator: Evaluation, text: str, *args: Any, **kwargs: Any) -> str:
    return brace_format(text, args, kwargs, evaluator.budget)


def _counted(evaluator: Evaluation, values: list[Any], value: Any) -> int:
    evaluator.budget.size(values)
    return values.count(value)


def _indexed(evaluator: Evaluation, values: list[Any], value: Any, *bounds: Any) -> int:
    evaluator.budget.size(values)
    return values.index(value, *bounds)


def _got(_: Evaluation, found: dict[str, Any], key: Any, default: Any = None) -> Any:
    return found.get(key, default)


def _copied(evaluator: Evaluation, value: Any) -> Any:
    evaluator.budget.entries(len(value))
    return value.copy()


_TEXT: Final[Mapping[str, Method]] = {
    **{
        method.__name__: _plain(method, _WORST_CASE)
        for method in (str.capitalize, str.casefold, str.lower, str.swapcase, str.title, str.upper)
    },
    **{
        method.__name__: _plain(method)
        for method in (
            *(str.count, str.endswith, str.find, str.index, str.startswith),
            *(str.isalnum, str.isalpha, str.isascii, str.isdecimal, str.isdigit, str.islower, str.isnumeric),
            *(str.isprintable, str.isspace, str.istitle, str.isupper),
            *(str.removeprefix, str.removesuffix, str.partition),
        )
    },
    **{method.__name__: _searched_backwards(method) for method in (str.rfind, str.rindex, str.rpartition)},
    **{method.__name__: _stripped(method) for method in (str.lstrip, str.rstrip, str.strip)},
    **{method.__name__: _padded(method) for method in (str.center, str.ljust, str.rjust, str.zfill)},
    "expandtabs": _expandtabs,
    "format": _format,
    "join": joined,
    "replace": replaced,
    "rsplit": _rsplit,
    "split": _split(str.split),
    "splitlines": _splitlines,
}
_LIST: Final[Mapping[str, Method]] = {"copy": _copied, "count": _counted, "index": _indexed}


def _list_of(part: Callable[[dict[str, Any]], Any]) -> Method:
    def call(evaluator: Evaluation, found: dict[str, Any]) -> list[Any]:
        evaluator.budget.entries(len(found))
        return list(part(found))

    return call


_OBJECT: Final[Mapping[str, Method]] = {
    "copy": _copied,
    "get": _got,
    "items": _list_of(dict.items),
    "keys": _list_of(dict.keys),
    "values": _list_of(dict.values),
}

METHODS: Final[Mapping[type, Mapping[str, Method]]] = {str: _TEXT, list: _LIST, tuple: _LIST, dict: _OBJECT}
"""The methods of each kind of value."""


def method_names(value: Any) -> frozenset[str]:
    """Return the names of the methods that a value has."""
    return frozenset(name for kind, methods in METHODS.items() if isinstance(value, kind) for name in methods)
