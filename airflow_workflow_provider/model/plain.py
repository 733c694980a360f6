"""Escaping of untrusted texts for terminals, headers and logs."""

from __future__ import annotations

import re
from typing import Final

# Control characters, separators of lines, and what turns the direction of a text (Unicode UAX #9): a terminal or a log
# would show something else than what is there.
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_KEPT: Final = "\n\t"


def visible(text: str) -> str:
    """Return a text of lines with every unseen character written out, such as ``\\x1b``; lines and tabs are kept."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] in _KEPT else _escaped(found[0]), text)


def visible_json(text: str) -> str:
    """Return a JSON text with every unseen character as an escape of JSON, which means the same."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] in _KEPT else f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """Return a text as one line: whatever is unseen, and breaks it up, is a blank."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"  # noqa: PLR2004 - one byte
