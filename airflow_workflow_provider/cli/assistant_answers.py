"""What an assistant reads: JSON text of a bounded size, in which nothing is hidden."""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import Any, Final

from airflow_workflow_provider.errors import Misuse, WorkflowsError
from airflow_workflow_provider.model.diagnostics import diagnostics_of
from airflow_workflow_provider.model.json_text import dumps
from airflow_workflow_provider.model.plain import visible_json
from airflow_workflow_provider.model.pointers import parts_of
from airflow_workflow_provider.model.words import shown
from airflow_workflow_provider.vocabulary import ProblemCode

MAX_CHARACTERS: Final = 40_000
"""Characters of one answer, about ten thousand tokens."""

# Characters of a text, members of an object or items of a list, and levels: the first that suffices is taken.
_BOUNDS: Final = ((8000, 500, 60), (2000, 100, 30), (500, 50, 15), (200, 20, 10), (100, 10, 6), (50, 5, 4))
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_WAY_OUT: Final = (
    "Parts of this answer were left out, marked by '…'. Ask for less (limit, filters), or for one part with 'pointer', "
    "such as /items/3."
)


def text_of(value: Any) -> str:
    """Return a value as JSON text of at most :data:`MAX_CHARACTERS`.

    What does not fit is left out, from the longest texts and lists first, and the answer says so:
    ``{"shortened": …, "answer": …}``.
    """
    text, fits = _written(value)
    if fits:
        return text
    for characters, count, levels in _BOUNDS:
        shorter = _less(value, characters, count, levels)
        kept, fits = _written({"shortened": _WAY_OUT, "characters": len(text), "answer": shorter})
        if fits:
            return kept
    return dumps({"shortened": _WAY_OUT, "characters": len(text), "answer": None}, compact=True)


def text_of_error(error: WorkflowsError) -> str:
    """Return what an error says, as ``{"error": {"code", "message", "pointer", "suggestion", "diagnostics"}}``."""
    said: dict[str, Any] = {"code": error.code, "message": error.message}
    said |= {"pointer": error.pointer} if error.pointer else {}
    said |= {"suggestion": error.suggestion} if error.suggestion else {}
    found = diagnostics_of(error)
    said |= {"diagnostics": [each.as_json() for each in found]} if found else {}
    return text_of({"error": said})


def part_of(value: Any, pointer: str) -> Any:
    """Return the part of a value at a JSON pointer (RFC 6901).

    :raises Misuse: nothing is there
    """
    if pointer and not pointer.startswith("/"):
        message = f"A JSON pointer starts with '/', unlike {shown(pointer)}"
        raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS, pointer="/pointer")
    for key in parts_of(pointer):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            message = f"The answer has nothing at {shown(pointer)}"
            raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS, pointer="/pointer")
    return value


def _less(value: Any, characters: int, count: int, levels: int) -> Any:
    """Return a value with what is too long, too many or too deep replaced by a note."""
    if isinstance(value, str):
        return _cut(value, characters)
    if not isinstance(value, (dict, list)) or not value:
        return value
    if levels == 0:
        return f"… {len(value)} {'members' if isinstance(value, dict) else 'items'}"
    more = len(value) - count
    if isinstance(value, list):
        items = [_less(each, characters, count, levels - 1) for each in value[:count]]
        return [*items, f"… {more} more items"] if more > 0 else items
    members = {
        _cut(key, characters): _less(each, characters, count, levels - 1) for key, each in islice(value.items(), count)
    }
    return {**members, "…": f"{more} more members"} if more > 0 else members


def _cut(text: str, characters: int) -> str:
    over = len(text) - characters
    return text if over <= 0 else f"{text[:characters]}… {over} more characters"


def _written(value: Any) -> tuple[str, bool]:
    """Return a value as JSON text, and whether it fits into an answer."""
    text = dumps(value, compact=True)
    if len(text) <= MAX_CHARACTERS:
        text = _visible(text)
    return text, len(text) <= MAX_CHARACTERS


def _visible(text: str) -> str:
    """Return a JSON text with every character that a reader does not see as an escape, which means the same.

    Invisible characters of Unicode can hold an instruction for an assistant that its user never sees.
    """
    return _BEYOND_ASCII.sub(
        lambda found: found[0] if _is_seen(found[0]) else dumps(found[0], ensure_ascii=True)[1:-1], visible_json(text)
    )


def _is_seen(char: str) -> bool:
    # Selectors of variants count as printable, but have no shape of their own, and any text can hold many.
    return char.isprintable() and not unicodedata.name(char, "").startswith("VARIATION SELECTOR")
