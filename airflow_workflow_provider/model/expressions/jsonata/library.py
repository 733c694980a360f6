"""The built-in functions of JSONata, with the signatures that its documentation gives them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from jsonata.functions import Functions
from jsonata.utils import Utils

from airflow_workflow_provider.model.expressions import functions
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.jsonata import dates, pictures, texts
from airflow_workflow_provider.model.expressions.jsonata.data import NULL, with_null
from airflow_workflow_provider.model.expressions.jsonata.parser import Signature, fault
from airflow_workflow_provider.model.expressions.jsonata.sequences import Native, clone, lookup, merge_sort, truth
from airflow_workflow_provider.model.expressions.numbers import (
    before,
    compute,
    is_number,
    normal,
    parse_number,
    power,
    round_to,
    to_double,
    total,
)

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions.jsonata.evaluation import Evaluation


def _of_one(work: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of one argument that gives nothing for nothing."""
    return lambda _engine, value: None if value is None else work(value)


# numbers


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if is_number(value):
        return value
    found = parse_number(value) if isinstance(value, str) else None
    if found is None:
        raise fault(-1, "D3030", value)
    return found


def _sqrt(value: Any) -> Any:
    if value < 0:
        raise fault(1, "D3060", value)
    root = math.isqrt(value) if isinstance(value, int) else 0
    return root if root * root == value else normal(math.sqrt(to_double(value)))


def _average(values: Any) -> Any:
    return compute("/", total(values), len(values)) if values else None


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    return _of_one(lambda values: choose(values) if values else None)


def _round(_: Evaluation, value: Any, places: Any) -> Any:
    return None if value is None else round_to(value, 0 if places is None else int(places))


def _power(_: Evaluation, base: Any, exponent: Any) -> Any:
    if base is None:
        return None
    if exponent is None:
        msg = "$power needs a number and an exponent"
        raise ExpressionFailure(msg)
    return power(base, exponent)


def _format_number(_: Evaluation, value: Any, picture: Any, options: Any) -> Any:
    return None if value is None else pictures.format_number(value, picture or "", options or {})


def _format_base(_: Evaluation, value: Any, base: Any) -> Any:
    if value is None:
        return None
    return pictures.format_base(round_to(value), 10 if base is None else round_to(base))


def _format_integer(_: Evaluation, value: Any, picture: Any) -> Any:
    return None if value is None else dates.format_integer(value, picture)


def _parse_integer(_: Evaluation, text: Any, picture: Any) -> Any:
    return None if text is None else dates.parse_integer(text, picture)


# times and chance


def _to_millis(engine: Evaluation, text: Any, picture: Any) -> Any:
    return None if text is None else dates.to_millis(text, picture, engine.moment)


def _from_millis(_: Evaluation, millis: Any, picture: Any, timezone: Any) -> Any:
    return None if millis is None else dates.from_millis(millis, picture, timezone)


def _now(engine: Evaluation, picture: Any, timezone: Any) -> Any:
    return dates.from_millis(engine.moment, picture, timezone)


def _shuffle(engine: Evaluation, values: Any) -> Any:
    if values is None or len(values) <= 1:
        return values
    mixed = list(values)
    engine.chance.shuffle(mixed)
    return mixed


# functions of functions


def _arity(function: Any) -> int:
    if isinstance(function, Native):
        return function.get_number_of_args()
    return len(function.arguments) if Functions.is_lambda(function) else 1


def _call(engine: Evaluation, function: Any, *arguments: Any) -> Any:
    return engine.call(function, arguments[: max(_arity(function), 1)])


def _each_item(engine: Evaluation, values: Any, function: Any) -> Iterator[tuple[Any, Any]]:
    """Each item with what the function gives for it."""
    for place, item in enumerate(values):
        yield item, _call(engine, function, item, place, values)


def _map(engine: Evaluation, values: Any, function: Any) -> Any:
    if values is None:
        return None
    found = (result for _, result in _each_item(engine, values, function))
    return Utils.create_sequence_from_iter(result for result in found if result is not None)


def _filter(engine: Evaluation, values: Any, function: Any) -> Any:
    if values is None:
        return None
    return Utils.create_sequence_from_iter(item for item, kept in _each_item(engine, values, function) if truth(kept))


def _single(engine: Evaluation, values: Any, function: Any) -> Any:
    if values is None:
        return None
    if function is None:
        found = list(values)
    else:
        found = [item for item, kept in _each_item(engine, values, function) if truth(kept)]
    if len(found) != 1:
        raise fault(-1, "D3138" if found else "D3139")
    return found[0]


def _reduce(engine: Evaluation, values: Any, function: Any, start: Any) -> Any:
    if values is None:
        return None
    arity = _arity(function)
    if arity < 2:  # noqa: PLR2004 - what was computed before, and the item
        raise fault(1, "D3050")
    first = 1 if start is None and values else 0
    result = values[0] if first else start
    for place in range(first, len(values)):
        result = _call(engine, function, result, values[place], place, values)
    return result


def _sift(engine: Evaluation, value: Any, function: Any) -> Any:
    if value is None:
        return None
    kept = {key: part for key, part in value.items() if truth(_call(engine, function, part, key, value))}
    return kept or None


def _each(engine: Evaluation, value: Any, function: Any) -> Any:
    if value is None:
        return None
    found = (_call(engine, function, part, key, value) for key, part in value.items())
    return Utils.create_sequence_from_iter(result for result in found if result is not None)


def _sort(engine: Evaluation, values: Any, comparator: Any) -> Any:
    if values is None or len(values) <= 1:
        return values
    if comparator is not None:
        return merge_sort(values, lambda left, right: truth(engine.call(comparator, [left, right])))
    if not all(map(is_number, values)) and not all(isinstance(value, str) for value in values):
        raise fault(-1, "D3070")
    return merge_sort(values, lambda left, right: before(right, left))


# lists and objects


def _keys(_: Evaluation, value: Any) -> Any:
    return Utils.create_sequence_from_iter(_keys_of(value))


def _keys_of(value: Any) -> dict[str, None]:
    if isinstance(value, list):
        return {key: None for item in value for key in _keys_of(item)}
    return dict.fromkeys(value) if isinstance(value, dict) else {}


def _lookup(_: Evaluation, value: Any, key: Any) -> Any:
    return lookup(value, key)


def _append(engine: Evaluation, first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    left = first if isinstance(first, list) else [first]
    right = second if isinstance(second, list) else [second]
    engine.meter.room(len(left) + len(right))
    return [*left, *right]


def _spread(engine: Evaluation, value: Any) -> Any:
    if isinstance(value, list):
        result: list[Any] = []
        for item in value:
            found = _spread(engine, item)
            result.extend(found if isinstance(found, list) else [found])
        return result
    if isinstance(value, dict):
        return Utils.create_sequence_from_iter({key: part} for key, part in value.items())
    return value


def _merge(values: Any) -> Any:
    return {key: part for value in values if isinstance(value, Mapping) for key, part in value.items()}


def _reverse(values: Any) -> Any:
    return values if len(values) <= 1 else values[::-1]


def _zip(engine: Evaluation, *lists: Any) -> Any:
    if not all(isinstance(values, list) for values in lists):
        return []
    engine.meter.room(len(lists) * min(map(len, lists), default=0))
    return [list(group) for group in zip(*lists, strict=False)]


def _distinct(_: Evaluation, values: Any) -> Any:
    found = functions.distinct(values)
    if isinstance(values, Utils.JList) and values.sequence and len(values) > 1:
        return Utils.create_sequence_from_iter(found)
    return found


def _type(value: Any) -> str:
    if value is NULL:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    kinds: tuple[tuple[Any, str], ...] = (
        ((int, float), "number"), (str, "string"), (list, "array"), (dict, "object"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "function")


def _error(_: Evaluation, message: Any) -> Any:
    raise ExpressionFailure(message or "$error() was called")


def _assert(_: Evaluation, condition: Any, message: Any) -> None:
    if not condition:
        raise ExpressionFailure(message or "$assert(): the condition does not hold")


_DEFINITIONS: Final[tuple[tuple[str, str, Callable[..., Any], int], ...]] = (
    ("sum", "<a<n>:n>", _of_one(total), 1),
    ("count", "<a:n>", lambda _engine, values: 0 if values is None else len(values), 1),
    ("max", "<a<n>:n>", _extreme(max), 1),
    ("min", "<a<n>:n>", _extreme(min), 1),
    ("average", "<a<n>:n>", _of_one(_average), 1),
    ("string", "<x-b?:s>", texts.string, 1),
    ("substring", "<s-nn?:s>", texts.substring, 3),
    ("substringBefore", "<s-s:s>", texts.substring_before, 2),
    ("substringAfter", "<s-s:s>", texts.substring_after, 2),
    ("lowercase", "<s-:s>", texts.lowercase, 1),
    ("uppercase", "<s-:s>", texts.uppercase, 1),
    ("length", "<s-:n>", texts.length, 1),
    ("trim", "<s-:s>", texts.trim, 1),
    ("pad", "<s-ns?:s>", texts.pad, 3),
    ("match", "<s-f<s:o>n?:a<o>>", texts.match, 3),
    ("contains", "<s-(sf):b>", texts.contains, 2),
    ("replace", "<s-(sf)(sf)n?:s>", texts.replace, 4),
    ("split", "<s-(sf)n?:a<s>>", texts.split, 3),
    ("join", "<a<s>s?:s>", texts.join, 2),
    ("formatNumber", "<n-so?:s>", _format_number, 3),
    ("formatBase", "<n-n?:s>", _format_base, 2),
    ("formatInteger", "<n-s:s>", _format_integer, 2),
    ("parseInteger", "<s-s:n>", _parse_integer, 2),
    ("number", "<(nsb)-:n>", _of_one(_number), 1),
    ("floor", "<n-:n>", _of_one(lambda value: normal(math.floor(value))), 1),
    ("ceil", "<n-:n>", _of_one(lambda value: normal(math.ceil(value))), 1),
    ("round", "<n-n?:n>", _round, 2),
    ("abs", "<n-:n>", _of_one(lambda value: normal(abs(value))), 1),
    ("sqrt", "<n-:n>", _of_one(_sqrt), 1),
    ("power", "<n-n:n>", _power, 2),
    ("random", "<:n>", lambda engine: engine.chance.random(), 0),
    ("boolean", "<x-:b>", _of_one(truth), 1),
    ("not", "<x-:b>", _of_one(lambda value: not truth(value)), 1),
    ("map", "<af>", _map, 2),
    ("zip", "<a+>", _zip, 0),
    ("filter", "<af>", _filter, 2),
    ("single", "<af?>", _single, 2),
    ("reduce", "<afj?:j>", _reduce, 3),
    ("sift", "<o-f?:o>", _sift, 2),
    ("keys", "<x-:a<s>>", _keys, 1),
    ("lookup", "<x-s:x>", _lookup, 2),
    ("append", "<xx:a>", _append, 2),
    ("exists", "<x:b>", lambda _engine, value: value is not None, 1),
    ("spread", "<x-:a<o>>", _spread, 1),
    ("merge", "<a<o>:o>", _of_one(_merge), 1),
    ("reverse", "<a:a>", _of_one(_reverse), 1),
    ("each", "<o-f:a>", _each, 2),
    ("error", "<s?:x>", _error, 1),
    ("assert", "<bs?:x>", _assert, 2),
    ("type", "<x:s>", _of_one(_type), 1),
    ("sort", "<af?:a>", _sort, 2),
    ("shuffle", "<a:a>", _shuffle, 1),
    ("distinct", "<x:x>", _distinct, 1),
    ("base64encode", "<s-:s>", texts.base64_encode, 1),
    ("base64decode", "<s-:s>", texts.base64_decode, 1),
    ("encodeUrlComponent", "<s-:s>", texts.encode_url_component, 1),
    ("encodeUrl", "<s-:s>", texts.encode_url, 1),
    ("decodeUrlComponent", "<s-:s>", texts.decode_url_component, 1),
    ("decodeUrl", "<s-:s>", texts.decode_url, 1),
    ("eval", "<sx?:x>", lambda _engine, *_: functions.refuse_eval(), 2),
    ("toMillis", "<s-s?:n>", _to_millis, 2),
    ("fromMillis", "<n-s?s?:s>", _from_millis, 3),
    ("clone", "<(oa)-:o>", _of_one(clone), 1),
    ("now", "<s?s?:s>", _now, 2),
    ("millis", "<:n>", lambda engine: engine.moment, 0),
)

BUILT_IN: Final[dict[str, Native]] = {
    name: Native(name, Signature(signature, name), work, size) for name, signature, work, size in _DEFINITIONS
}
"""The built-in functions by name."""


def chance(seed: str | None) -> random.Random:
    """Where ``$random`` and ``$shuffle`` get their numbers from: the same ones for the same seed."""
    return random.Random(seed)  # noqa: S311 - nothing secret


def host_function(name: str, work: Callable[..., Any], size: int = 1) -> Native:
    """A function of ours, which sees plain JSON values: null and nothing are both None to it."""

    def call(_: Evaluation, *arguments: Any) -> Any:
        result = work(*(None if argument is NULL else argument for argument in arguments))
        return None if result is None else with_null(result)

    return Native(name, None, call, size)
