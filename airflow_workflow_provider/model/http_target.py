"""Where an ``http`` task may send its request: below the address of its connection, and nowhere else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]")
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BASE_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")
_SAFE: Final = "/!$&'()*+,;=:@-._~%"
_LATIN_1: Final = 0xFF
_DECODINGS: Final = 4
"""How often a path is decoded in search of what is hidden in it; servers and proxies decode once or twice."""

FORBIDDEN_HEADERS: Final = frozenset(
    [
        "cf-connecting-ip",
        "client-ip",
        "connection",
        "content-length",
        "expect",
        "fastly-client-ip",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "proxy",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "true-client-ip",
        "upgrade",
        "via",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-host",
        "x-http-host-override",
        "x-real-ip",
        "x-remote-addr",
        "x-remote-ip",
        "x-rewrite-url",
    ]
)
"""Headers that say where a request goes, where it comes from or how it is framed; those are the connection's to say."""

_FORBIDDEN_FAMILIES: Final = ("proxy-", "x-envoy-", "x-forwarded", "x-original-", "x-proxy")
"""Beginnings of the names of such headers."""

CREDENTIAL_HEADERS: Final = frozenset({"authorization", "cookie"})
"""Headers that a definition may set only where the connection has no credentials of its own."""


class WrongTarget(ValueError):
    """A path, header or connection by which a request would not go where the connection says."""


@dataclass(frozen=True)
class Base:
    """The address of a connection.

    :param host: in lower case, an IPv6 address without brackets
    :param path: without a slash at its end
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """The address without its path, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def base_of(conn_type: str, host: str | None, schema: str | None, port: int | None) -> Base:
    """Return the address that a connection of Airflow describes.

    :param conn_type: must be ``http`` or ``https``
    :param host: the host, or an address with scheme and perhaps a path
    :param schema: the scheme where the host names none
    :raises WrongTarget: it is no HTTP connection or has no host
    """
    if conn_type not in DEFAULT_PORTS:
        message = f"is of type {conn_type!r}; expected 'http' or 'https'"
        raise WrongTarget(message)
    text = (host or "").strip()
    if not text:
        message = "has no host"
        raise WrongTarget(message)
    try:
        parts = urlsplit(text if "://" in text else f"{schema or conn_type}://{text}")
        found = parts.port or port
    except ValueError:
        parts, found = urlsplit(""), None
    scheme = parts.scheme.lower()
    name, path = _host(parts.hostname or ""), parts.path.rstrip("/")
    unclear = parts.query or parts.fragment or "@" in parts.netloc or "\\" in text
    if scheme not in DEFAULT_PORTS or name is None or unclear or not _BASE_PATH.fullmatch(path):
        message = "has no host that can be used; expected a name or address, or http(s)://host[:port][/path]"
        raise WrongTarget(message)
    if _has_dots(path):
        message = "has '.' or '..' in its path"
        raise WrongTarget(message)
    return Base(scheme, name, found or DEFAULT_PORTS[scheme], path)


def _host(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        pass
    try:
        name = text.encode("idna").decode("ascii").lower() if not text.isascii() else text.lower()
    except UnicodeError:
        return None
    return name if _HOST.fullmatch(name) else None


def path_problem(path: str) -> str | None:
    """Return why a path leaves the connection's address, or could be read so by somebody; None where it stays.

    :param path: the ``path`` argument of the task, as it is when it runs
    """
    if any(unicodedata.category(character).startswith("C") for character in path):
        return "has a control character or an invisible one"
    if "\\" in path:
        return "has a backslash"
    if "?" in path or "#" in path:
        return "has '?' or '#'; parameters belong into query"
    if path.startswith("//") or _ABSOLUTE.match(path):
        return "names a host; only a path below the connection's address is allowed"
    if _PERCENT.search(path):
        return "has a % that is not a percent-encoding; write %25"
    found = _hidden_problem(path)
    if found is None and _decoded(path).startswith("//"):
        return "names a host once it is decoded; only a path below the connection's address is allowed"
    return found


def _decoded(path: str) -> str:
    for _ in range(_DECODINGS):
        path = unquote(path)
    return path


def _hidden_problem(path: str) -> str | None:
    """Look at what each decoding of a path shows; a server, or a proxy before it, may decode once more."""
    text = path
    for _ in range(_DECODINGS):
        if _has_dots(text) or _has_dots(unicodedata.normalize("NFKC", text)):
            return "has a segment '.' or '..', plain or encoded"
        try:
            decoded = unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            return "has a percent-encoding that is not UTF-8"
        if decoded == text:
            return None
        if any(unicodedata.category(each) == "Cc" or each == "\\" for each in decoded):
            return "has an encoded control character or backslash"
        text = decoded
    return "is percent-encoded too many times"


def _has_dots(path: str) -> bool:
    # Some servers cut off after a semicolon, and some take a backslash for a slash. A server that decodes a path and
    # parses it again cuts off at '?' and '#', and one that cleans texts removes invisible characters.
    seen = "".join(character for character in path if unicodedata.category(character) != "Cf")
    return any(re.split("[;?#]", segment)[0].strip() in (".", "..") for segment in re.split(r"[/\\]", seen))


def target(base: Base, path: str) -> str:
    """Return the URL of a request below a connection's address.

    :raises WrongTarget: the path leaves it
    """
    problem = path_problem(path)
    if problem is not None:
        message = f"The path {path[:200]!r} {problem}"
        raise WrongTarget(message)
    encoded = quote(path, safe=_SAFE)
    joined = f"{base.path}/{encoded.removeprefix('/')}" if encoded else base.path
    url = base.origin + (joined or "/")
    check_within(base, url)
    return url


def check_within(base: Base, url: str) -> None:
    """Check that a URL, as it is about to be sent, is at or below a connection's address.

    :raises WrongTarget: it does not, or two readers of URLs differ about it
    """
    try:
        parts = urlsplit(url)
        found = (parts.scheme, _host(parts.hostname or ""), parts.port or DEFAULT_PORTS.get(parts.scheme))
    except ValueError:
        found, parts = ("", None, None), urlsplit("")
    below = parts.path == base.path or parts.path.startswith(f"{base.path}/")
    inside = found == (base.scheme, base.host, base.port) and below and "@" not in parts.netloc
    if not inside or parts.fragment or _hidden_problem(parts.path) is not None:
        message = f"The request would leave the address of its connection, {base.origin}{base.path}"
        raise WrongTarget(message)


def header_key(name: str) -> str:
    """Return what two names of headers have in common where a server takes them for one.

    Case never counts, and what hands headers on as variables (CGI, WSGI) makes one character of all that are no
    letter or digit.
    """
    return re.sub(r"[^a-z0-9]", "-", name.lower())


def header_problem(name: str, value: str) -> str | None:
    """Return why a definition may not set a header, whatever the connection; None where it may."""
    if not _TOKEN.fullmatch(name):
        return "is not a valid header name"
    key = header_key(name)
    if key in FORBIDDEN_HEADERS or key.startswith(_FORBIDDEN_FAMILIES):
        return "controls where a request goes, where it comes from or how it is framed; only the connection may set it"
    if any(character != "\t" and unicodedata.category(character) == "Cc" for character in value):
        return "has a line break or another control character in its value"
    if any(ord(character) > _LATIN_1 for character in value):
        return "has a character in its value that headers cannot carry; use ISO 8859-1, or percent-encode it"
    if value != value.strip(" \t"):
        return "has a space at the beginning or end of its value"
    return None


def check_headers(given: Mapping[str, str], own: Mapping[str, str], *, credentials: bool) -> None:
    """Check the headers of a request against those of its connection.

    :param given: the headers of the task
    :param own: the headers of the connection, which nobody replaces
    :param credentials: whether the connection has a login or a password
    :raises WrongTarget: a header is not the author's to set
    """
    kept = {header_key(name) for name in own}
    seen: set[str] = set()
    for name, value in given.items():
        key = header_key(name)
        problem = header_problem(name, value)
        if problem is None and key in seen:
            problem = "occurs twice, as servers read it"
        seen.add(key)
        if problem is None and key in kept:
            problem = "is set by the connection"
        if problem is None and key in CREDENTIAL_HEADERS and (credentials or kept & CREDENTIAL_HEADERS):
            problem = "would replace the connection's credentials"
        if problem is not None:
            message = f"The header {name[:100]!r} {problem}"
            raise WrongTarget(message)
