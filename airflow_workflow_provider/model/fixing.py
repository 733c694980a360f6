"""Fixes of findings that have exactly one: a name that can only be meant to be another one."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

KEYS: Final = frozenset({"WF110"})
"""Findings about the last part of their place."""

VALUES: Final = frozenset({"WF113", "WF201", "WF213", "WF401", "WF404", "WF504", "WF505"})
"""Findings about the text at their place."""

_ONE_NAME: Final = re.compile(r"did you mean '([^'\\]+)'\?")


def fixed(document: Any, diagnostics: Iterable[Diagnostic]) -> tuple[Any, list[Diagnostic]]:
    """Return a document without the findings that have exactly one fix, and those findings.

    Keys keep their place. A key is not renamed to one that is there already.
    """
    made = copy.deepcopy(document)
    done: list[Diagnostic] = []
    # The innermost first: what is renamed around a place is part of its pointer.
    for found in sorted(diagnostics, key=lambda each: -each.pointer.count("/")):
        match = _ONE_NAME.fullmatch(found.suggestion or "")
        if match is None or not found.pointer or found.code not in KEYS | VALUES:
            continue
        *way, last = (part.replace("~1", "/").replace("~0", "~") for part in found.pointer[1:].split("/"))
        holder = _at(made, way)
        change = _rename if found.code in KEYS else _replace
        if change(holder, last, match[1]):
            done.append(found)
    return made, done[::-1]


def _at(value: Any, way: Iterable[str]) -> Any:
    for part in way:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _rename(holder: Any, key: str, name: str) -> bool:
    if not isinstance(holder, dict) or key not in holder or name in holder:
        return False
    entries = [(name if each == key else each, value) for each, value in holder.items()]
    holder.clear()
    holder.update(entries)
    return True


def _replace(holder: Any, key: str, name: str) -> bool:
    if isinstance(holder, list) and key.isdecimal() and int(key) < len(holder) and isinstance(holder[int(key)], str):
        holder[int(key)] = name
        return True
    if isinstance(holder, dict) and isinstance(holder.get(key), str):
        holder[key] = name
        return True
    return False
