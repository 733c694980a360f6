"""The filters that return texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.values import plain
from airflow_workflow_provider.model.templates.methods import METHODS, replaced
from airflow_workflow_provider.model.templates.texts import percent_format
from airflow_workflow_provider.model.templates.values import Safe, kind_of

if TYPE_CHECKING:
    from jinja2 import Environment

    from airflow_workflow_provider.model.templates.evaluating import Evaluation

_MAX_INDENT: Final = 16
_IN_JSON: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"})


@lru_cache(maxsize=1)
def _settings() -> Environment:
    """Return the environment whose settings Jinja's own filters ask for."""
    from jinja2 import Environment

    return Environment(autoescape=True)


def _whole(value: Any) -> int:
    if isinstance(value, int):
        return value
    message = f"a whole number is needed, not {kind_of(value)}"
    raise ExpressionFailure(message)


def _method(name: str) -> Callable[..., Any]:
    def call(evaluator: Evaluation, value: Any, *args: Any, **kwargs: Any) -> Any:
        return METHODS[str][name](evaluator, evaluator.text(value), *args, **kwargs)

    return call


def _center(evaluator: Evaluation, value: Any, width: Any = 80) -> Any:
    return METHODS[str]["center"](evaluator, evaluator.text(value), width)


def _title(evaluator: Evaluation, s: Any) -> str:
    from jinja2.filters import do_title

    text = evaluator.text(s)
    evaluator.budget.entries(len(text) // 4)
    return str(do_title(text))


def _trim(evaluator: Evaluation, value: Any, chars: Any = None) -> Any:
    return METHODS[str]["strip"](evaluator, evaluator.text(value), chars)


def _escape(evaluator: Evaluation, value: Any) -> str:
    return evaluator.escaped(value)


def _forceescape(evaluator: Evaluation, value: Any) -> str:
    return evaluator.escaped(str(evaluator.text(value)))


def _safe(evaluator: Evaluation, value: Any) -> str:
    text = evaluator.text(value)
    return Safe(text) if evaluator.html else text


def _text(evaluator: Evaluation, value: Any) -> str:
    return evaluator.text(value)


def _indent(evaluator: Evaluation, s: Any, width: Any = 4, first: Any = False, blank: Any = False) -> str:
    from jinja2.filters import do_indent

    text = evaluator.text(s)
    wide = len(width) if isinstance(width, str) else _whole(width)
    lines = len(text.splitlines()) + 1
    evaluator.budget.entries(lines)
    evaluator.budget.characters(len(text) + lines * max(wide, 0))
    return str(do_indent(text, width, bool(first), bool(blank)))


def _replace(evaluator: Evaluation, s: Any, old: Any, new: Any, count: Any = None) -> str:
    count = -1 if count is None else count
    return replaced(evaluator, evaluator.text(s), evaluator.text(old), evaluator.text(new), count)


def _truncate(
    evaluator: Evaluation, s: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = None
) -> str:
    from jinja2.filters import do_truncate

    text, tail = evaluator.text(s), evaluator.text(end)
    rest = None if leeway is None else _whole(leeway)
    if _whole(length) < len(tail) or (rest is not None and rest < 0):
        message = "truncate takes a length that its end fits into, and no leeway below 0"
        raise ExpressionFailure(message)
    return str(do_truncate(_settings(), text, length, bool(killwords), tail, rest))


def _wordwrap(
    evaluator: Evaluation,
    s: Any,
    width: Any = 79,
    break_long_words: Any = True,
    wrapstring: Any = None,
    break_on_hyphens: Any = True,
) -> str:
    from jinja2.filters import do_wordwrap

    text = evaluator.text(s)
    between = "\n" if wrapstring is None else evaluator.text(wrapstring)
    evaluator.budget.spend(2 * len(text))
    evaluator.budget.characters(len(text) * (1 + len(between)))
    # What is left of a long line is copied, and searched for its words, at each break.
    for line in text.splitlines():
        evaluator.budget.comparisons(len(line), len(line) // max(_whole(width), 1))
    return str(do_wordwrap(_settings(), text, _whole(width), bool(break_long_words), between, bool(break_on_hyphens)))


def _format(evaluator: Evaluation, value: Any, *args: Any, **kwargs: Any) -> str:
    if args and kwargs:
        message = "format takes values by position or by name, not both"
        raise ExpressionFailure(message)
    return percent_format(evaluator.text(value), kwargs or args, evaluator.budget)


def _striptags(evaluator: Evaluation, value: Any) -> str:
    from markupsafe import Markup

    text = evaluator.text(value)
    # Each tag is cut out of the whole text.
    evaluator.budget.spend(text.count("<") * (1 + len(text) // 100))
    return str(Markup(text).striptags())  # noqa: S704 - only its tags are taken away; nothing is trusted


def _wordcount(evaluator: Evaluation, s: Any) -> int:
    from jinja2.filters import do_wordcount

    text = evaluator.text(s)
    evaluator.budget.entries(len(text) // 4)
    return int(do_wordcount(text))


def _urlencode(evaluator: Evaluation, value: Any) -> str:
    from jinja2.filters import do_urlencode

    evaluator.budget.spend(1 + evaluator.budget.size(value))
    return str(do_urlencode(value if isinstance(value, dict | list | tuple) else evaluator.text(value)))


def _tojson(evaluator: Evaluation, value: Any, indent: Any = None) -> str:
    evaluator.budget.spend(evaluator.budget.size(value) // 4)
    if indent is not None and not 0 <= _whole(indent) <= _MAX_INDENT:
        message = f"tojson indents by 0 to {_MAX_INDENT}"
        raise ExpressionFailure(message)
    return json.dumps(plain(value), sort_keys=True, indent=indent, allow_nan=False).translate(_IN_JSON)


def _filesizeformat(_: Evaluation, value: Any, binary: Any = False) -> str:
    from jinja2.filters import do_filesizeformat

    if not isinstance(value, int | float | str):
        message = f"filesizeformat takes a number of bytes, not {kind_of(value)}"
        raise ExpressionFailure(message)
    return do_filesizeformat(value, bool(binary))


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **{name: _method(name) for name in ("capitalize", "lower", "upper")},
    "e": _escape,
    "escape": _escape,
    "forceescape": _forceescape,
    "safe": _safe,
    "string": _text,
    "center": _center,
    "filesizeformat": _filesizeformat,
    "format": _format,
    "indent": _indent,
    "replace": _replace,
    "striptags": _striptags,
    "title": _title,
    "tojson": _tojson,
    "trim": _trim,
    "truncate": _truncate,
    "urlencode": _urlencode,
    "wordcount": _wordcount,
    "wordwrap": _wordwrap,
}
