"""The JSONata functions that are ours: the three additions of rule X3, and bounded forms of built-in ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.expressions.bounds import TEXT_LIMIT, Meter
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.json_text import loads_data

UuidSource = Callable[[int], str]
"""Gives the n-th ``$uuid()`` of one evaluation, n counted from 0."""

ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
REFUSED: Final = frozenset({"eval"})
"""Text found in data is never evaluated (rule X3)."""


def parse_json(text: object = None, *_: object) -> Any:
    """``$parseJson(s)``: the value that a JSON text stands for; nothing for nothing."""
    if text is None:
        return None
    if not isinstance(text, str):
        msg = f"$parseJson needs a text, not {_kind(text)}"
        raise ExpressionFailure(msg)
    try:
        return loads_data(text)
    except InvalidDefinition as error:
        place = f" at {error.diagnostics[0].pointer}" if error.diagnostics[0].pointer else ""
        msg = f"$parseJson{place}: {error.message}"
        raise ExpressionFailure(msg) from error


def hash_text(text: object = None, algorithm: object = None, *_: object) -> str | None:
    """``$hash(s, algorithm)``: the digest of the text's UTF-8 form as lower-case hexadecimal; nothing for nothing."""
    if text is None:
        return None
    if not isinstance(text, str):
        msg = f"$hash needs a text, not {_kind(text)}; $string(…) makes one"
        raise ExpressionFailure(msg)
    name = ALGORITHMS.get(algorithm.upper()) if isinstance(algorithm, str) else None
    if name is None:
        msg = f"$hash: unknown algorithm {algorithm!r}; allowed algorithms are {', '.join(ALGORITHMS)}"
        raise ExpressionFailure(msg)
    return hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def uuid_function(source: UuidSource | None) -> Callable[..., str]:
    """``$uuid()`` of one evaluation: stable where the caller gives a source, else random."""
    used = 0

    def uuid(*_: object) -> str:
        nonlocal used
        used += 1
        return source(used - 1) if source is not None else str(uuid4())

    return uuid


def refuse_eval(*_: object) -> Any:
    """``$eval`` of either engine."""
    msg = "$eval is not available: text found in data is never evaluated"
    raise ExpressionFailure(msg)


def distinct(values: object = None, *_: object) -> Any:
    """``$distinct(array)`` in linear time; the engine's own compares each value with each other."""
    if not isinstance(values, list) or len(values) <= 1:
        return values
    found: dict[Any, Any] = {}
    for value in values:
        found.setdefault(_canonical(value), value)
    return list(found.values())


def _canonical(value: Any) -> Any:
    """A value that can be looked up and equals another one's exactly where the values are the same."""
    if isinstance(value, list):
        return "list", *map(_canonical, value)
    if isinstance(value, dict):
        return "object", frozenset((key, _canonical(part)) for key, part in value.items())
    # true is not 1, but 1 is 1.0
    return (value,) if isinstance(value, bool) else value


Match = Mapping[str, Any]
"""What a JSONata matcher gives: ``match``, ``start``, ``groups``."""

Matcher = Callable[[str], Iterator[Match]]


def replace(
    text: str, pattern: str | Matcher, replacement: str | Callable[[Match], Any], limit: float | None, meter: Meter
) -> str:
    """``$replace(s, pattern, replacement, limit)`` with a bound on the size of the result.

    :raises ExpressionFailure: the result is too large, the pattern or limit cannot be used, or the replacement
        function gives no text
    """
    if pattern == "":
        msg = "$replace: the pattern is empty"
        raise ExpressionFailure(msg)
    if limit is not None and limit < 0:
        msg = "$replace: the limit is negative"
        raise ExpressionFailure(msg)
    parts: list[str] = []
    size = len(text)
    position = 0
    found: Iterator[Match] = _occurrences(text, pattern) if isinstance(pattern, str) else pattern(text)
    for count, match in enumerate(found):
        if limit is not None and count >= limit:
            break
        if not match["match"]:
            msg = "$replace: the regular expression matches the empty text"
            raise ExpressionFailure(msg)
        new = replacement if isinstance(pattern, str) else _replacement(replacement, match)
        if not isinstance(new, str):
            msg = "$replace: the replacement must be a text"
            raise ExpressionFailure(msg)
        size += len(new)
        if size > TEXT_LIMIT:
            msg = f"$replace: the result is larger than {TEXT_LIMIT} characters"
            raise ExpressionFailure(msg)
        meter.tick()
        parts += (text[position : int(match["start"])], new)
        position = int(match["start"]) + len(match["match"])
    return "".join([*parts, text[position:]])


def _occurrences(text: str, pattern: str) -> Iterator[Match]:
    start = text.find(pattern)
    while start >= 0:
        yield {"match": pattern, "start": start, "groups": []}
        start = text.find(pattern, start + len(pattern))


def _replacement(replacement: str | Callable[[Match], Any], match: Match) -> Any:
    if not isinstance(replacement, str):
        return replacement(match)
    groups = match.get("groups") or []
    digits = len(str(len(groups)))

    def group(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        # "$12" means group 12 where there are that many, else group 1 and the text "2"
        for length in range(min(digits, len(found[1])), 0, -1):
            number = int(found[1][:length])
            if number <= len(groups):
                chosen = match["match"] if number == 0 else groups[number - 1] or ""
                return str(chosen) + found[1][length:]
        return found[1][1:]

    return re.sub(r"\$(\$|[0-9]+)", group, replacement)


def check_pad(_: object = None, width: object = None, *__: object) -> None:
    """Refuse a ``$pad`` beyond the bound before it is computed."""
    if isinstance(width, (int, float)) and abs(width) > TEXT_LIMIT:
        msg = f"$pad: the result is larger than {TEXT_LIMIT} characters"
        raise ExpressionFailure(msg)


def check_join(values: object = None, separator: object = None, *_: object) -> None:
    """Refuse a ``$join`` beyond the bound before it is computed."""
    if not isinstance(values, list):
        return
    size = sum(len(value) for value in values if isinstance(value, str))
    if isinstance(separator, str):
        size += len(separator) * len(values)
    if size > TEXT_LIMIT:
        msg = f"$join: the result is larger than {TEXT_LIMIT} characters"
        raise ExpressionFailure(msg)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    return {dict: "an object", list: "an array", type(None): "null"}.get(type(value), "this value")
