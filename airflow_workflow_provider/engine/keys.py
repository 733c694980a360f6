"""Keys of step lists: ``""`` the top level, ``par/b1`` a branch, ``each[3]`` an item; nested keys are joined."""

from __future__ import annotations

import re
from typing import Final

ROOT: Final = ""
"""Key of the top-level step list."""

_INDEX = re.compile(r"\[(\d+)\]")
_ANY_INDEX = re.compile(r"\[\d+\]")


def list_path(key: str) -> str:
    """Return the path of the step list that a key names: item numbers taken out."""
    return _ANY_INDEX.sub("[]", key)


def item_indexes(key: str) -> list[int]:
    """Return the item numbers in a list's key, outermost first."""
    return [int(index) for index in _INDEX.findall(key)]
