"""JSON as PostgreSQL keeps it: what it can store, and when two documents are the same content."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# json.dumps escapes U+0000 always; an even number of backslashes before it are characters of their own.
_NUL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def dumps(value: Any) -> str:
    """JSON text that PostgreSQL takes.

    PostgreSQL's text has no U+0000 and no lone surrogates. Data of a run may have them (bytes read as text); losing a
    finished step over one would be worse than losing the character, so each becomes U+FFFD. Definitions are refused
    instead, see :func:`unstorable`.

    :raises ValueError: NaN or infinity, which JSON does not have
    :raises TypeError: a value that is not JSON
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if "\\u0000" in text:
        text = _NUL_ESCAPE.sub(rf"\1{REPLACEMENT}", text)
    return text if text.isascii() else _SURROGATE.sub(REPLACEMENT, text)


def clean(text: str | None) -> str | None:
    """The same replacement for a text column."""
    return None if text is None else _UNSTORABLE.sub(REPLACEMENT, text)


def unstorable(document: Any, pointer: str = "") -> Iterator[str]:
    """JSON pointers of the keys and strings that PostgreSQL cannot store as they are."""
    if isinstance(document, str):
        if _UNSTORABLE.search(document):
            yield pointer
    elif isinstance(document, dict):
        for key, value in document.items():
            place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if _UNSTORABLE.search(key):
                yield place
            yield from unstorable(value, place)
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from unstorable(value, f"{pointer}/{index}")


def digest(document: dict[str, Any]) -> str:
    """SHA-256 of the content, hexadecimal: the same for the same document however it was written.

    Order of keys, white space and the notation of numbers (``1.0`` and ``1``) do not count, nor does the top-level
    ``$schema``, which is a hint for editors. So a document read back from JSONB has the digest it was stored with.
    """
    content = {key: _canonical(value) for key, value in document.items() if key != "$schema"}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return value
