"""The values of options: text in the configuration, checked and converted.

Each function takes an option's name and text, and raises :class:`Misuse` for what it cannot use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.settings.options import BY_NAME, SECTION
from airflow_workflow_provider.strict_json import Unreadable, parsed, value_problems, walk
from airflow_workflow_provider.vocabulary import ProblemCode

T = TypeVar("T", bound=str)

_FOLDER: Final = re.compile(r"file:///(.+/)?|(?!file:)[a-z][a-z0-9+.-]*://[^/]+/(.+/)?")


def refused(name: str, value: str, expected: str) -> Misuse:
    """Return the error of an option whose value cannot be used."""
    return Misuse(
        f"[{SECTION}] {name} = {value!r} cannot be used; expected {expected}",
        code=ProblemCode.BAD_CONFIGURATION,
        pointer=f"[{SECTION}] {name}",
        suggestion=f"for example {BY_NAME[name].example or BY_NAME[name].default!r}",
    )


def number(name: str, value: str, least: int) -> int:
    """Return a whole number, at least ``least``."""
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise refused(name, value, f"a whole number from {least}")
    return number


def one_of(name: str, value: str, allowed: Sequence[T]) -> T:
    """Return a value that is one of a few."""
    found = next((each for each in allowed if each == value), None)
    if found is None:
        raise refused(name, value, " or ".join(allowed))
    return found


def name(name: str, value: str) -> str:
    """Return a part of the names of database roles."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,49}", value):
        raise refused(name, value, "at most 50 lower-case letters, digits and underscores, no digit first")
    return value


def duration(name: str, value: str) -> Any:
    """Return an ISO 8601 duration."""
    import isodate

    try:
        return isodate.parse_duration(value)
    except (isodate.ISO8601Error, ValueError) as error:
        raise refused(name, value, "an ISO 8601 duration, such as PT5M") from error


def json_object(name: str, value: str) -> dict[str, Any]:
    """Return an object of JSON, read as strictly as documents are."""
    try:
        found, problems = parsed(value)
    except Unreadable as error:
        raise refused(name, value, f"a JSON object ({error})") from error
    except RecursionError as error:
        raise refused(name, value, "a JSON object that is nested less deeply") from error
    unfit = [message for _, part in walk(found) for _, message in value_problems(part)]
    wrong = [each.message for each in problems] or unfit
    if wrong:
        raise refused(name, value, f"a JSON object ({wrong[0]})")
    if not isinstance(found, dict):
        raise refused(name, value, "a JSON object")
    return found


def json_objects(name: str, value: str) -> dict[str, Any]:
    """Return an object of JSON whose values are objects."""
    parsed = json_object(name, value or "{}")
    if not all(isinstance(each, dict) for each in parsed.values()):
        raise refused(name, value, "a JSON object of JSON objects")
    return parsed


def connections(name: str, value: str) -> dict[str, tuple[str, ...]]:
    """Return patterns of connections by the kind of task."""
    parsed = json_object(name, value or "{}")
    for patterns in parsed.values():
        if not isinstance(patterns, list) or not all(isinstance(each, str) and each for each in patterns):
            raise refused(name, value, "a JSON object of arrays of texts")
    return {kind: tuple(patterns) for kind, patterns in parsed.items()}


def folders(name: str, value: str) -> dict[str, tuple[str, ...]]:
    """Return addresses of folders by the kind of task."""
    found = connections(name, value)
    strange = [each for each in found if each not in ("read", "write")]
    if strange or not all(_FOLDER.fullmatch(each) for addresses in found.values() for each in addresses):
        raise refused(name, value, "arrays of addresses that end with / under read and write")
    return found


def some_of(name: str, value: str, allowed: frozenset[str]) -> tuple[str, ...]:
    """Return some of the names that are allowed."""
    found = listed(value)
    if not allowed.issuperset(found):
        raise refused(name, value, f"some of {', '.join(sorted(allowed))}")
    return found


def listed(value: str) -> tuple[str, ...]:
    """Return names between commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip())
