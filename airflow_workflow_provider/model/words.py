"""How messages quote a document, and their suggestions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Final

MAX_SHOWN: Final = 60
MAX_LISTED: Final = 10
MAX_BITS: Final = 1024
_MAX_COMPARED: Final = 2000
_SHORTEST_START: Final = 3


def shown(value: object) -> str:
    """A value from a document, short enough for a message."""
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_SHOWN else value[: MAX_SHOWN - 1] + "…")
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return "a huge number"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"a {type(value).__name__}"


def violation(error: Any) -> str:
    """What a value does to a JSON Schema, in one sentence; a ``not`` may say it itself, in its ``description``.

    :param error: of jsonschema
    """
    if error.validator == "not" and isinstance(error.validator_value, dict) and "description" in error.validator_value:
        return f"{shown(error.instance)} {error.validator_value['description']}"
    return str(error.message)


def shortened(text: str, limit: int = 200) -> str:
    """A text that may have come from anywhere, cut to a length, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def listed(names: Iterable[str]) -> str:
    """Names in a message: sorted, quoted, the first few of many."""
    every = sorted(names)
    text = ", ".join(shown(name) for name in every[:MAX_LISTED])
    return f"{text} and {len(every) - MAX_LISTED} more" if len(every) > MAX_LISTED else text or "none"


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The names that look most like a name, nearest first."""
    if len(name) > MAX_SHOWN * 4:
        return []
    known = sorted(set(names))[:_MAX_COMPARED]
    similar = {other.casefold().replace("_", "").replace("-", ""): other for other in known}
    same = similar.get(name.casefold().replace("_", "").replace("-", ""))
    close = difflib.get_close_matches(name, known, n=count, cutoff=0.6)
    longer = [other for other in known if len(name) >= _SHORTEST_START and other.startswith(name)]
    return list(dict.fromkeys([*([same] if same is not None else []), *close, *longer]))[:count]


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """A proposal, where some name looks like the given one."""
    found = nearest(name, names)
    return f"did you mean {' or '.join(shown(each) for each in found)}?" if found else None
