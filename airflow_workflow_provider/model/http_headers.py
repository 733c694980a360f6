"""Headers of a request: values of attributes of events, media types, character sets.

CloudEvents HTTP protocol binding 1.0.2, section 3.1.3.2; RFC 7230, section 3.2.6.
"""

from __future__ import annotations

import codecs
import email.message
import re
from collections.abc import Iterable
from typing import Final

_QUOTED_PART: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_PERCENT: Final = re.compile(rb"%([0-9A-Fa-f]{2})?")
# Codecs of Python that are no character sets of the Internet.
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})


def header_value(text: str) -> str:
    """The value of an event's attribute from its header: unquoted, then percent-decoded once.

    :param text: as HTTP servers hand it over: bytes read as ISO 8859-1
    :raises ValueError: a quote that does not end, ``%`` without two hexadecimal digits, or bytes that are no UTF-8
    """
    unquoted = _unquoted(text)
    try:
        raw = unquoted.encode("latin-1")
    except UnicodeEncodeError:
        # Not from the wire: the caller has decoded the bytes already.
        raw = unquoted.encode("utf-8", "surrogatepass")
    if any(found[1] is None for found in _PERCENT.finditer(raw)):
        msg = "has a percent sign without two hexadecimal digits after it; the percent sign itself is sent as %25"
        raise ValueError(msg)
    decoded = _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), raw)
    try:
        return decoded.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"is not UTF-8: byte 0x{decoded[error.start]:02X} does not fit; send text as UTF-8, percent-encoded"
        raise ValueError(msg) from None


def _unquoted(text: str) -> str:
    if '"' not in text:
        return text
    if '"' in _QUOTED_PART.sub("", text):
        msg = "has a double quote without its counterpart; the double quote itself is sent as %22"
        raise ValueError(msg)
    return _QUOTED_PART.sub(lambda found: _ESCAPED.sub(r"\1", found[1]), text)


def by_name(headers: Iterable[tuple[str, str]]) -> tuple[dict[str, str], set[str]]:
    """Return headers by their names in lower case, and the names of those that are there more than once."""
    found: dict[str, str] = {}
    repeated = set()
    for name, value in headers:
        key = name.lower()
        if key in found:
            repeated.add(key)
        found[key] = value.strip(" \t")
    return found, repeated


def media_type(value: str) -> tuple[str, str | None]:
    """The type and the charset, if there is one, of a ``Content-Type``; both in lower case."""
    message = email.message.Message()
    message["Content-Type"] = " ".join(value.split())
    charset = message.get_param("charset")
    kind = value.partition(";")[0].strip().lower()
    return kind, charset.strip().lower() if isinstance(charset, str) else None


def text_of(body: bytes, charset: str) -> str:
    """The text of a body.

    :raises ValueError: the charset is not known, or the bytes are not of it
    """
    try:
        known = codecs.lookup(charset).name.replace("-", "_") not in _NO_CHARSETS
        text = body.decode(charset) if known else None
    except UnicodeDecodeError as error:
        msg = f"the body is not {charset.upper()}: byte {error.start} does not fit; name its charset in Content-Type"
        raise ValueError(msg) from None
    except (LookupError, ValueError):
        # Python raises ValueError for what is no name at all.
        text = None
    if text is None:
        msg = f"the charset {charset[:40]!r} is not known; send UTF-8"
        raise ValueError(msg)
    return text
