"""Fixes of findings that have exactly one: a misspelled name that only one other name resembles."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_workflow_provider.model.pointers import parts_of, value_at

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

KEYS: Final = frozenset({"WF110"})
"""Findings about the last part of their place."""

VALUES: Final = frozenset({"WF113", "WF201", "WF213", "WF401", "WF404", "WF504", "WF505"})
"""Findings about the text at their place."""

_ONE_NAME: Final = re.compile(r"did you mean '([^'\\]+)'\?")


@dataclass(frozen=True)
class Fix:
    """The only fix of a finding.

    :param pointer: JSON pointer (RFC 6901) of the finding
    :param part: what gets another name: the last key of the pointer, or the text at it
    :param name: the name that it gets
    """

    pointer: str
    part: Literal["key", "value"]
    name: str


def fixes_of(diagnostics: Iterable[Diagnostic]) -> list[Fix]:
    """Return the fixes of the findings that have exactly one."""
    found = ((each, _only_name(each)) for each in diagnostics)
    return [
        Fix(each.pointer, "key" if each.code in KEYS else "value", name) for each, name in found if name is not None
    ]


def fixed(document: Any, diagnostics: Iterable[Diagnostic]) -> tuple[Any, list[Diagnostic]]:
    """Return a document without the findings that have exactly one fix, and those findings.

    Keys keep their place. A key is not renamed to one that is there already, nor where another key would get the same
    name: which of the two is meant is for a person to decide.
    """
    made = copy.deepcopy(document)
    done: list[Diagnostic] = []
    fixes = [(found, name) for found in diagnostics if (name := _only_name(found)) is not None]
    wanted = Counter(_renamed(found, name) for found, name in fixes if found.code in KEYS)
    # The innermost first: what is renamed around a place is part of its pointer.
    for found, name in sorted(fixes, key=lambda fix: -fix[0].pointer.count("/")):
        if found.code in KEYS and wanted[_renamed(found, name)] > 1:
            continue
        *way, last = parts_of(found.pointer)
        try:
            holder = value_at(made, way)
        except LookupError:
            continue
        change = _rename if found.code in KEYS else _replace
        if change(holder, last, name):
            done.append(found)
    return made, done[::-1]


def _only_name(found: Diagnostic) -> str | None:
    """Return the only name that a finding suggests; None where it suggests none, or several."""
    match = _ONE_NAME.fullmatch(found.suggestion or "")
    return match[1] if match is not None and found.pointer and found.code in KEYS | VALUES else None


def _renamed(found: Diagnostic, name: str) -> tuple[str, str]:
    """Return the object of a key and what the key is to be called."""
    return found.pointer.rpartition("/")[0], name


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
