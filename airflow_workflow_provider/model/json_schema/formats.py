"""What ``format`` checks, each as its RFC says (rule X6).

Formats without an entry are accepted, as JSON Schema wants it; ``password`` only says that a value is secret.
"""

from __future__ import annotations

import ipaddress
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final
from unicodedata import bidirectional, normalize

from airflow_workflow_provider.model.json_schema.patterns import PatternError, compile_pattern

_MAX_LOCAL: Final = 64
_MAX_DOMAIN: Final = 255
_MAX_HOST: Final = 253
_MAX_LABEL: Final = 63
_LEAP_SECOND: Final = 60
_DAY_MINUTES: Final = 24 * 60

_DATE: Final = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME: Final = (
    r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_HOURS: Final = "(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
_DAYS: Final = "(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)"
_DURATION: Final = f"P(?:[0-9]+W|{_DAYS}(?:T{_HOURS})?|T{_HOURS})"
_UUID: Final = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_POINTER: Final = r"(?s:(?:/(?:[^~/]|~[01])*)*)"
_RELATIVE_POINTER: Final = r"(?s:(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~[01])*)*))"

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_DOTS: Final = "[.\u3002\uff0e\uff61]"
_ATEXT: Final = r"\-A-Za-z0-9!#$%&'*+/=?^_`{|}~"
_WIDE: Final = "\u0080-\ud7ff\ue000-\U0010ffff"
_LOCAL: Final = rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*" r'|"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"'
_WIDE_LOCAL: Final = (
    rf"[{_ATEXT}{_WIDE}]+(?:\.[{_ATEXT}{_WIDE}]+)*" rf'|"(?:[\x20-\x21\x23-\x5b\x5d-\x7e{_WIDE}]|\\[\x20-\x7e])*"'
)
_GENERAL_LITERAL: Final = r"[A-Za-z0-9-]*[A-Za-z0-9]:[\x21-\x5a\x5e-\x7e]+"

_UCS: Final = (
    "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
    "\U00010000-\U0001fffd\U00020000-\U0002fffd\U00030000-\U0003fffd\U00040000-\U0004fffd"
    "\U00050000-\U0005fffd\U00060000-\U0006fffd\U00070000-\U0007fffd\U00080000-\U0008fffd"
    "\U00090000-\U0009fffd\U000a0000-\U000afffd\U000b0000-\U000bfffd\U000c0000-\U000cfffd"
    "\U000d0000-\U000dfffd\U000e1000-\U000efffd"
)
_PRIVATE: Final = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_SPLIT: Final = r"(?s:(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?)"
_SCHEME: Final = "[A-Za-z][A-Za-z0-9+.-]*"
_FUTURE: Final = r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+"
_VARIABLE: Final = r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+(?:\.(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})+)*(?::[1-9][0-9]{0,3}|\*)?"
_TEMPLATE: Final = (
    rf"(?:[\x21\x23-\x24\x26-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e{_UCS}{_PRIVATE}]|%[0-9A-Fa-f]{{2}}"
    rf"|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*"
)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern when it is first needed: compiling all of them takes longer than reading most documents."""
    return re.compile(pattern)


class _Identifier:
    """The grammar of RFC 3986 or, with ``wide`` characters, of RFC 3987."""

    def __init__(self, wide: str, private: str) -> None:
        base = rf"\-A-Za-z0-9._~!$&'()*+,;={wide}"
        self._user = rf"(?:[{base}:]|%[0-9A-Fa-f]{{2}})*"
        self._name = rf"(?:[{base}]|%[0-9A-Fa-f]{{2}})*"
        self._path = rf"(?:[{base}:@/]|%[0-9A-Fa-f]{{2}})*"
        self._query = rf"(?:[{base}:@/?{private}]|%[0-9A-Fa-f]{{2}})*"
        self._fragment = rf"(?:[{base}:@/?]|%[0-9A-Fa-f]{{2}})*"

    def whole(self, text: str) -> bool:
        scheme = text.partition(":")[0]
        return ":" in text and _compiled(_SCHEME).fullmatch(scheme) is not None and self.reference(text)

    def reference(self, text: str) -> bool:
        found = _compiled(_SPLIT).fullmatch(text)
        if found is None:
            return False
        scheme, authority, path, query, fragment = found.groups()
        if scheme is None and authority is None and ":" in path.split("/")[0]:
            return False
        return (
            (scheme is None or _compiled(_SCHEME).fullmatch(scheme) is not None)
            and (authority is None or self._is_authority(authority))
            and _compiled(self._path).fullmatch(path) is not None
            and (query is None or _compiled(self._query).fullmatch(query) is not None)
            and (fragment is None or _compiled(self._fragment).fullmatch(fragment) is not None)
        )

    def _is_authority(self, authority: str) -> bool:
        user, at, rest = authority.rpartition("@")
        if at and _compiled(self._user).fullmatch(user) is None:
            return False
        if rest.startswith("["):
            literal, closed, port = rest[1:].partition("]")
            host_fits = bool(closed) and (_is_ipv6(literal) or _compiled(_FUTURE).fullmatch(literal) is not None)
            if port and not port.startswith(":"):
                return False
            port = port[1:]
        else:
            name, _, port = rest.partition(":")
            host_fits = _compiled(self._name).fullmatch(name) is not None
        return host_fits and (not port or (port.isascii() and port.isdigit()))


_URI: Final = _Identifier("", "")
_IRI: Final = _Identifier(_UCS, _PRIVATE)


def _is_date(text: str) -> bool:
    found = _compiled(_DATE).fullmatch(text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    # The calendar begins with the year 1; 0 is a leap year like 400.
    return 1 <= month <= len(range(1, 13)) and 1 <= day <= monthrange(year or 400, month)[1]


def _is_time(text: str) -> bool:
    found = _compiled(_TIME).fullmatch(text)
    if found is None:
        return False
    hour, minute, second, sign, hours, minutes = found.groups()
    if int(second) < _LEAP_SECOND:
        return True
    offset = (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1) if sign else 0
    return (int(hour) * 60 + int(minute) - offset) % _DAY_MINUTES == _DAY_MINUTES - 1


def _is_date_time(text: str) -> bool:
    return text[10:11] in ("T", "t") and _is_date(text[:10]) and _is_time(text[11:])


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return text.isascii()


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text and text.isascii()


def _is_hostname(text: str) -> bool:
    """RFC 1123 section 2.1; labels that begin with ``xn--`` are those of RFC 5890."""
    labels = text.split(".")
    return len(text) <= _MAX_HOST and all(map(_is_label, labels))


def _is_label(label: str) -> bool:
    if len(label) > _MAX_LABEL or _compiled(_LABEL).fullmatch(label) is None:
        return False
    if label[2:4] != "--":
        return True
    return label[:4].lower() == "xn--" and _is_a_label(label)


def _is_a_label(label: str) -> bool:
    import idna

    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def _is_idn_hostname(text: str) -> bool:
    """RFC 5890 section 2.3.2.3: labels of ASCII, or Unicode, also between the dots of Chinese and Japanese."""
    import idna

    if not text or text.isascii():
        return _is_hostname(text)
    labels = _compiled(_DOTS).split(text)
    try:
        encoded = ".".join(label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels)
        if any(bidirectional(character) in _RIGHT_TO_LEFT for character in text):
            # RFC 5893 section 2: one label from right to left binds the others too.
            for label in labels:
                idna.check_bidi(label, check_ltr=True)
    except (idna.IDNAError, UnicodeError):
        return False
    return _is_hostname(encoded)


def _mailbox(local: str, domain: Callable[[str], bool]) -> Callable[[str], bool]:
    """RFC 5321 section 4.1.2: a local part, perhaps quoted, and a domain or the literal of an address."""

    def is_mailbox(text: str) -> bool:
        name, at, host = text.rpartition("@")
        if (
            not at
            or _compiled(local).fullmatch(name) is None
            or len(name.encode("utf-8", "surrogatepass")) > _MAX_LOCAL
        ):
            return False
        if host.startswith("[") and host.endswith("]"):
            literal = host[1:-1]
            if literal[:5].upper() == "IPV6:":
                return _is_ipv6(literal[5:])
            return _is_ipv4(literal) or _compiled(_GENERAL_LITERAL).fullmatch(literal) is not None
        return len(host) <= _MAX_DOMAIN and domain(host)

    return is_mailbox


def _is_regex(text: str) -> bool:
    try:
        compile_pattern(text)
    except PatternError:
        return False
    return True


def _full(pattern: str) -> Callable[[str], bool]:
    return lambda text: _compiled(pattern).fullmatch(text) is not None


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "date": _is_date,
        "date-time": _is_date_time,
        "duration": _full(_DURATION),
        "email": _mailbox(_LOCAL, _is_hostname),
        "hostname": _is_hostname,
        "idn-email": _mailbox(_WIDE_LOCAL, lambda text: _is_idn_hostname(normalize("NFC", text))),
        "idn-hostname": _is_idn_hostname,
        "ipv4": _is_ipv4,
        "ipv6": _is_ipv6,
        "iri": _IRI.whole,
        "iri-reference": _IRI.reference,
        "json-pointer": _full(_POINTER),
        "regex": _is_regex,
        "relative-json-pointer": _full(_RELATIVE_POINTER),
        "time": _is_time,
        "uri": _URI.whole,
        "uri-reference": _URI.reference,
        "uri-template": _full(_TEMPLATE),
        "uuid": _full(_UUID),
    }
)
"""The check of each format: whether a text is one."""
