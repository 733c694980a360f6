"""The filters that take lists and objects; fields are named by a path with dots, as in Jinja."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.templates.methods import joined
from airflow_workflow_provider.model.templates.values import Group, Undefined, kind_of

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.evaluating import Evaluation

Getter = Callable[[Any], Any]
_NO_DEFAULT: Final = object()


def _field_of(evaluator: Evaluation, path: Any, default: Any = _NO_DEFAULT) -> Getter:
    """Return a function that gives the field at a path of a value; :class:`Undefined` where there is none."""
    if isinstance(path, str):
        evaluator.budget.entries(path.count("."))
    parts: list[Any] = (
        [int(part) if part.isdecimal() else part for part in path.split(".")] if isinstance(path, str) else [path]
    )

    def get(value: Any) -> Any:
        for part in parts:
            evaluator.budget.spend()
            value = evaluator.field(evaluator.required(value), part)
            if isinstance(value, Undefined) and default is not _NO_DEFAULT:
                value = default
        return value

    return get


def _required(evaluator: Evaluation, path: Any, default: Any = _NO_DEFAULT) -> Getter:
    get = _field_of(evaluator, path, default)
    return lambda value: evaluator.required(get(value))


def _itself(value: Any) -> Any:
    return value


def _caseless(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _keys(evaluator: Evaluation, attribute: Any, case_sensitive: Any, default: Any = _NO_DEFAULT) -> Getter:
    """Return what values are compared by."""
    if attribute is None:
        return _itself if case_sensitive else _caseless
    get = _required(evaluator, attribute, default)

    def key(value: Any) -> Any:
        # Many entries may have one field, and one default, so their size says nothing about that of the keys.
        found = get(value)
        evaluator.budget.size(found)
        return found if case_sensitive else _caseless(found)

    return key


def _sorted(evaluator: Evaluation, values: list[Any], key: Getter, reverse: Any) -> list[Any]:
    # Every entry is compared about as often as the number of entries has digits.
    evaluator.budget.spend(len(values) * 2)
    for _ in range(4):
        evaluator.budget.size(values)
    return sorted(values, key=key, reverse=bool(reverse))


def _batch(evaluator: Evaluation, value: Any, linecount: Any, fill_with: Any = None) -> list[Any]:
    entries, size = evaluator.entries_of(value), _positive(linecount)
    rows = [entries[start : start + size] for start in range(0, len(entries), size)]
    if rows and fill_with is not None:
        evaluator.budget.entries(size)
        rows[-1] += [fill_with] * (size - len(rows[-1]))
    return rows


def _slice(evaluator: Evaluation, value: Any, slices: Any, fill_with: Any = None) -> list[Any]:
    entries, count = evaluator.entries_of(value), _positive(slices)
    evaluator.budget.entries(count)
    each, more = divmod(len(entries), count)
    rows: list[Any] = []
    for index in range(count):
        start = index * each + min(index, more)
        row = entries[start : start + each + (index < more)]
        rows.append([*row, fill_with] if fill_with is not None and more and index >= more else row)
    return rows


def _positive(value: Any) -> int:
    if isinstance(value, int) and value > 0:
        return value
    message = f"a whole number above 0 is needed, not {kind_of(value)}"
    raise ExpressionFailure(message)


def _dictsort(
    evaluator: Evaluation, value: Any, case_sensitive: Any = False, by: Any = "key", reverse: Any = False
) -> list[Any]:
    if by not in ("key", "value"):
        message = "dictsort sorts by 'key' or by 'value'"
        raise ExpressionFailure(message)
    place = 0 if by == "key" else 1
    return _sorted(
        evaluator,
        _items(evaluator, value),
        lambda pair: pair[place] if case_sensitive else _caseless(pair[place]),
        reverse,
    )


def _items(evaluator: Evaluation, value: Any) -> list[Any]:
    if not isinstance(value, dict):
        message = f"{kind_of(value)} is no object"
        raise ExpressionFailure(message)
    evaluator.budget.entries(len(value))
    return list(value.items())


def _first(evaluator: Evaluation, seq: Any) -> Any:
    entries = evaluator.entries_of(seq)
    return entries[0] if entries else Undefined.because("the list is empty, so it has no first entry")


def _last(evaluator: Evaluation, seq: Any) -> Any:
    entries = evaluator.entries_of(seq)
    return entries[-1] if entries else Undefined.because("the list is empty, so it has no last entry")


def _groupby(
    evaluator: Evaluation, value: Any, attribute: Any, default: Any = _NO_DEFAULT, case_sensitive: Any = False
) -> list[Any]:
    get, key = _required(evaluator, attribute, default), _keys(evaluator, attribute, case_sensitive, default)
    ordered = _sorted(evaluator, evaluator.entries_of(value), key, reverse=False)
    groups = [list(group) for _, group in groupby(ordered, key)]
    return [Group((get(group[0]), group)) for group in groups]


def _join(evaluator: Evaluation, value: Any, d: Any = "", attribute: Any = None) -> str:
    entries = evaluator.entries_of(value)
    if attribute is not None:
        entries = list(map(_required(evaluator, attribute), entries))
    return joined(evaluator, evaluator.text(d), entries)


def _list(evaluator: Evaluation, value: Any) -> list[Any]:
    return evaluator.entries_of(value)


def _map(evaluator: Evaluation, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
    entries = evaluator.entries_of(value)
    if args:
        name, rest = str(args[0]), list(args[1:])
        return [evaluator.required(evaluator.apply_filter(name, each, rest, kwargs)) for each in entries]
    if not kwargs.keys() <= {"attribute", "default"} or "attribute" not in kwargs:
        message = "map takes the name of a filter, or attribute=…"
        raise ExpressionFailure(message)
    get = _field_of(evaluator, kwargs["attribute"], kwargs.get("default", _NO_DEFAULT))
    return [evaluator.required(get(each)) for each in entries]


def _extreme(find: Callable[..., Any]) -> Callable[..., Any]:
    def call(evaluator: Evaluation, value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:
        entries = evaluator.entries_of(value)
        if not entries:
            return Undefined.because("the list is empty, so it has no largest or smallest entry")
        evaluator.budget.size(entries)
        return find(entries, key=_keys(evaluator, attribute, case_sensitive))

    return call


def _reverse(evaluator: Evaluation, value: Any) -> Any:
    if isinstance(value, str):
        evaluator.budget.characters(len(value))
        return value[::-1]
    return evaluator.entries_of(value)[::-1]


def _chosen(*, wanted: bool, by_field: bool) -> Callable[..., Any]:
    def call(evaluator: Evaluation, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        get: Getter = _itself
        rest = list(args)
        if by_field:
            if not rest:
                message = "the name of a field is needed"
                raise ExpressionFailure(message)
            get = _field_of(evaluator, rest.pop(0))
        name = str(rest.pop(0)) if rest else None

        def holds(each: Any) -> bool:
            found = get(each)
            if name is None:
                return bool(evaluator.required(found))
            return evaluator.apply_test(name, found, rest, kwargs)

        return [each for each in evaluator.entries_of(value) if holds(each) is wanted]

    return call


def _sort(
    evaluator: Evaluation, value: Any, reverse: Any = False, case_sensitive: Any = False, attribute: Any = None
) -> list[Any]:
    entries = evaluator.entries_of(value)
    if isinstance(attribute, str):
        evaluator.budget.spend(10 * attribute.count(","))
    paths = attribute.split(",") if isinstance(attribute, str) else [attribute]
    keys = [_keys(evaluator, path, case_sensitive) for path in paths]
    return _sorted(evaluator, entries, lambda each: [key(each) for key in keys], reverse)


def _sum(evaluator: Evaluation, iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
    from jinja2 import nodes

    entries = evaluator.entries_of(iterable)
    if attribute is not None:
        entries = list(map(_required(evaluator, attribute), entries))
    total = start
    for each in entries:
        total = evaluator.calculated(nodes.Add, total, each)
    return total


def _unique(evaluator: Evaluation, value: Any, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:
    entries, key = evaluator.entries_of(value), _keys(evaluator, attribute, case_sensitive)
    evaluator.budget.size(entries)
    first: dict[Any, Any] = {}
    for each in entries:
        first.setdefault(key(each), each)
    return list(first.values())


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "batch": _batch,
    "dictsort": _dictsort,
    "first": _first,
    "groupby": _groupby,
    "items": _items,
    "join": _join,
    "last": _last,
    "list": _list,
    "map": _map,
    "max": _extreme(max),
    "min": _extreme(min),
    "reject": _chosen(wanted=False, by_field=False),
    "rejectattr": _chosen(wanted=False, by_field=True),
    "reverse": _reverse,
    "select": _chosen(wanted=True, by_field=False),
    "selectattr": _chosen(wanted=True, by_field=True),
    "slice": _slice,
    "sort": _sort,
    "sum": _sum,
    "unique": _unique,
}
