"""The spellings of a text in messages, URLs and encodings, so that it is found in all of them (rule L4)."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST_LINE: Final = 8
"""Longer lines of a secret of several lines are secret themselves, but for what marks a PEM's beginning and end."""

SHORTEST_FRAGMENT: Final = 8
"""Of Base64 of a longer text in which a secret stands."""

_MIME_BYTES: Final = 57
"""Bytes in one line of Base64, where it is broken into lines."""

_CUTS: Final = (59, 199)
"""Where our own messages cut a text that is too long for them."""

_MARK: Final = re.compile(r"-{3,}[A-Z ]+-{3,}")
_HEXADECIMAL: Final = re.compile(r"\\u[0-9a-f]{4}")
_PERCENT: Final = re.compile("%[0-9A-F]{2}")


def spellings(secret: str) -> tuple[str, ...]:
    """Return every text by which a secret is known, itself included."""
    found = {secret}
    for text in _wordings(secret):
        once = {text, *_escaped(text)}
        found |= once
        for each in once:
            found |= set(_escaped(each))
        # JSON often occurs in a URL, too.
        for each in {text, *_as_json(text)}:
            found |= set(_in_markup(each))
    for each in {secret, *_as_json(secret)}:
        found |= set(_encoded(each))
    return tuple(found)


def lines_of(secret: str) -> set[str]:
    """Return the lines of a secret that are secret themselves."""
    stripped = {line.strip() for line in secret.splitlines()}
    return {line for line in stripped if len(line) >= SHORTEST_LINE and not _MARK.fullmatch(line)}


def _wordings(secret: str) -> set[str]:
    """Return a secret with its line breaks, and its white space, written in other ways, and its parts."""
    lines = secret.splitlines()
    found = {secret, secret.strip(), " ".join(secret.split())}
    if len(lines) > 1:
        found |= {joint.join(lines) for joint in ("\n", "\r\n", "\r", "", " ")}
        found |= lines_of(secret)
    found |= {text[:cut] for text in list(found) for cut in _CUTS if len(text) > cut}
    return {text for text in found if text}


def _escaped(text: str) -> Iterator[str]:
    """Yield a text as the inside of a quoted one, by the rules of Python and JSON."""
    # A quote that both kinds are needed for makes repr escape one of them.
    as_bytes = repr(b"\"'" + text.encode("utf-8", "surrogatepass"))[len("b'\"\\'") : -1]
    for python in (repr("\"'" + text)[len("'\"\\'") : -1], ascii("\"'" + text)[len("'\"\\'") : -1], as_bytes):
        yield python
        yield python.replace("\\'", "'")
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    escaped = json.dumps(text)[1:-1]
    yield plain
    yield escaped
    yield _HEXADECIMAL.sub(lambda found: "\\u" + found.group()[2:].upper(), escaped)
    yield escaped.replace("/", "\\/")
    yield plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _as_json(text: str) -> tuple[str, str]:
    """Return a text as the inside of a text of JSON, without and with escapes of what is not ASCII."""
    return json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]


def _in_markup(text: str) -> Iterator[str]:
    """Yield a text as it stands in URLs, HTML, CSV, SQL and shells."""
    data = text.encode("utf-8", "surrogatepass")
    writers: tuple[Callable[[bytes], str], ...] = (
        lambda each: quote(each, safe=""),
        quote,
        quote_plus,
        lambda each: quote(each, safe="!'()*~-_."),
        lambda each: quote(each, safe=";,/?:@&=+$-_.!~*'()#"),
    )
    for write in writers:
        written = write(data)
        yield written
        yield _PERCENT.sub(lambda found: found.group().lower(), written)
    for marked in (html.escape(text), html.escape(text, quote=False)):
        yield marked
        yield marked.replace("&#x27;", "&#39;")
        yield marked.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        yield marked.replace("&#x27;", "&apos;")
        yield marked.encode("ascii", "xmlcharrefreplace").decode("ascii")
        yield marked.replace("&#x27;", "&#39;").encode("ascii", "xmlcharrefreplace").decode("ascii")
    yield text.replace('"', '""')
    yield text.replace("'", "''")
    yield shlex.quote(text).strip("'")


def _encoded(secret: str) -> Iterator[str]:
    """Yield a text in Base64 and hexadecimal, also where it stands within a longer one."""
    data = secret.encode("utf-8", "surrogatepass")
    yield data.hex()
    yield data.hex().upper()
    if len(data) > _MIME_BYTES:
        yield from (line for line in base64.encodebytes(data).decode("ascii").split() if len(line) >= SHORTEST_LINE)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode("ascii")
        yield whole
        yield whole.rstrip("=")
        yield whole.replace("=", "%3D")
        for offset, lost in ((0, 0), (1, 2), (2, 3)):
            shifted = encode(bytes(offset) + data).decode("ascii").rstrip("=")
            fragment = shifted[lost : len(shifted) - (1 if (offset + len(data)) % 3 else 0)]
            if len(fragment) >= SHORTEST_FRAGMENT:
                yield fragment
