"""Compares the outcome of a run with the expected one; each difference is one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow_workflow_provider.model.scenario import PATH_LINE

Json = dict[str, Any]


def differs(what: str, expected: Any, actual: Any, *, exact: bool) -> list[str]:
    """Return how a value differs from what is expected.

    :param what: how messages call it
    :param exact: whether keys of objects that are not expected count too
    """
    if isinstance(expected, dict) and isinstance(actual, dict) and (not exact or set(expected) == set(actual)):
        return [
            difference
            for key, value in expected.items()
            for difference in _differs_at(f"{what}.{key}", key, value, actual, exact=exact)
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            difference
            for index, (left, right) in enumerate(zip(expected, actual, strict=True))
            for difference in differs(f"{what}[{index}]", left, right, exact=exact)
        ]
    shown, found = _shown(expected), _shown(actual)
    return [] if shown == found else [f"{what}: expected {shown}, got {found}"]


def _differs_at(what: str, key: str, expected: Any, actual: Mapping[str, Any], *, exact: bool) -> list[str]:
    if key not in actual:
        return [f"{what}: expected {_shown(expected)}, but it is missing"]
    return differs(what, expected, actual[key], exact=exact)


def path_differs(expected: Sequence[str], actual: Sequence[Json]) -> list[str]:
    """Return how the path that a run took differs from the lines that are expected.

    :param actual: lines ``{"stepId", "visit", "attempt", "status", "item"?}`` in start order
    """
    if len(expected) == len(actual) and all(map(_is_line, expected, actual)):
        return []
    return [f"path: expected {' '.join(expected) or 'none'}, got {' '.join(map(line_text, actual)) or 'none'}"]


def _is_line(expected: str, actual: Json) -> bool:
    match = PATH_LINE.fullmatch(expected)
    if match is None:
        msg = f"{expected!r} is no line of a path; write step#visit.attempt[item]:status"
        raise ValueError(msg)
    found = {
        "step": actual["stepId"],
        "visit": str(actual["visit"]),
        "attempt": str(actual["attempt"]),
        "status": actual["status"],
        "item": _item(actual),
    }
    return all(value is None or value == found[key] for key, value in match.groupdict().items())


def line_text(line: Json) -> str:
    """Return a line of a path as it is written in an expectation."""
    item = "" if _item(line) is None else f"[{_item(line)}]"
    return f"{line['stepId']}#{line['visit']}.{line['attempt']}{item}:{line['status']}"


def _item(line: Json) -> str | None:
    item = line.get("item")
    return ".".join(map(str, item)) if isinstance(item, list) else None if item is None else str(item)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, timedelta) else json.dumps(value, sort_keys=True, ensure_ascii=False)
