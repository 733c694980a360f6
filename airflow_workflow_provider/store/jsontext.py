"""JSON in PostgreSQL: what it can store."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from airflow_workflow_provider.model import json_text

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# json.dumps escapes U+0000 always; an even number of backslashes before it are characters of their own.
_NUL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_LONGEST_INTEGER = 4000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def dumps(value: Any) -> str:
    """JSON text that PostgreSQL takes.

    PostgreSQL's text has no U+0000 and no lone surrogates. Data of a run may have them (bytes read as text); losing a
    finished step over one would be worse than losing the character, so each becomes U+FFFD. Definitions are refused
    instead.

    :raises ValueError: NaN or infinity, which JSON does not have
    :raises TypeError: a value that is not JSON
    """
    text = json_text.dumps(value, compact=True)
    return _NUL_ESCAPE.sub(rf"\1{REPLACEMENT}", text) if "\\u0000" in text else text


def loads(text: str | bytes) -> Any:
    """The value of JSON that PostgreSQL has kept.

    Its numbers may be ones that nothing of ours writes: too long to be read, or too large for a double. They become
    their text, so that rows that were edited manually can still be read.
    """
    return json.loads(text, parse_int=_integer, parse_float=_double)


def clean(text: str | None) -> str | None:
    """The same replacement for a text column."""
    return None if text is None else _UNSTORABLE.sub(REPLACEMENT, text)


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_INTEGER else text


def _double(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text
