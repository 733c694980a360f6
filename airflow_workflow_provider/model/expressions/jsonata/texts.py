"""Functions of JSONata over texts."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from jsonata.utils import Utils

from airflow_workflow_provider.model.expressions import functions
from airflow_workflow_provider.model.expressions.bounds import TEXT_LIMIT
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.jsonata.parser import fault, is_callable
from airflow_workflow_provider.model.expressions.jsonata.patterns import matches
from airflow_workflow_provider.model.expressions.numbers import is_number, number_text

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions.functions import Match
    from airflow_workflow_provider.model.expressions.jsonata.evaluation import Evaluation

_SPACE = re.compile(r"[ \t\n\r]+")
_URL_COMPONENT = "-_.!~*'()"
_URL = _URL_COMPONENT + ";/?:@&=+$,#"


def text_of(value: Any, *, pretty: bool = False) -> str:
    """A value as ``$string`` writes it: texts as they are, functions as nothing, everything else as JSON.

    :raises ExpressionFailure: the text is too large
    """
    if isinstance(value, str):
        return value
    if is_number(value):
        return number_text(value)
    if is_callable(value):
        return ""
    if isinstance(value, Utils.JList) and value.outer_wrapper:
        value = value[0]
    parts: list[str] = []
    size = 0
    for part in _json(value, "\n" if pretty else ""):
        size += len(part)
        if size > TEXT_LIMIT:
            msg = f"$string: the text is larger than {TEXT_LIMIT} characters"
            raise ExpressionFailure(msg)
        parts.append(part)
    return "".join(parts)


def _json(value: Any, line: str) -> Iterator[str]:
    """The parts of a value's JSON text; ``line`` is a line break and the indentation, or empty."""
    if isinstance(value, str):
        yield json.dumps(value, ensure_ascii=False)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif is_number(value):
        yield number_text(value)
    elif isinstance(value, (dict, list)):
        yield from _json_container(value, line)
    else:
        yield '""' if is_callable(value) else "null"


def _json_container(value: dict[str, Any] | list[Any], line: str) -> Iterator[str]:
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield opening
    inner = line and line + "  "
    first = True
    for item in value.items() if isinstance(value, dict) else value:
        if not first:
            yield ","
        first = False
        yield inner
        if isinstance(value, dict):
            yield json.dumps(item[0], ensure_ascii=False) + (": " if line else ":")
            item = item[1]  # noqa: PLW2901 - the key is written
        yield from _json(item, inner)
    if not first:
        yield line
    yield closing


def string(_: Evaluation, value: Any, pretty: Any) -> Any:
    """``$string(value, prettify)``."""
    return None if value is None else text_of(value, pretty=pretty is True)


def length(_: Evaluation, text: Any) -> Any:
    """``$length(s)``, in characters."""
    return None if text is None else len(text)


def substring(_: Evaluation, text: Any, start: Any, size: Any) -> Any:
    """``$substring(s, start, length)``."""
    if text is None:
        return None
    # A missing start counts as none at all: nothing is left out before it.
    first = 0 if start is None or len(text) + start < 0 else start
    if size is None:
        return text[int(first) :]
    if size <= 0 or start is None:
        return ""
    last = (first if first >= 0 else len(text) + first) + size
    return text[int(first) : max(int(last), 0)]


def substring_before(_: Evaluation, text: Any, end: Any) -> Any:
    """``$substringBefore(s, chars)``."""
    return text if text is None or end is None else text.partition(end)[0] if end else ""


def substring_after(_: Evaluation, text: Any, end: Any) -> Any:
    """``$substringAfter(s, chars)``."""
    return text if text is None or end is None or end not in text else text.partition(end)[2] if end else text


def lowercase(_: Evaluation, text: Any) -> Any:
    """``$lowercase(s)``."""
    return None if text is None else text.lower()


def uppercase(_: Evaluation, text: Any) -> Any:
    """``$uppercase(s)``."""
    return None if text is None else text.upper()


def trim(_: Evaluation, text: Any) -> Any:
    """``$trim(s)``: white space becomes one space, and none at the ends."""
    return None if text is None else _SPACE.sub(" ", text).removeprefix(" ").removesuffix(" ")


def pad(_: Evaluation, text: Any, width: Any, filling: Any) -> Any:
    """``$pad(s, width, char)``: on the right, or for a negative width on the left."""
    if text is None or width is None:
        return text
    functions.check_pad(text, width)
    missing = int(abs(width)) - len(text)
    if missing <= 0:
        return text
    unit = filling or " "
    padding = (unit * (missing // len(unit) + 1))[:missing]
    return text + padding if width > 0 else padding + text


def contains(engine: Evaluation, text: Any, wanted: Any) -> Any:
    """``$contains(s, pattern)``."""
    if text is None or wanted is None:
        return None
    return wanted in text if isinstance(wanted, str) else next(matches(engine, wanted, text), None) is not None


def _limited(engine: Evaluation, found: Iterator[Match], limit: Any) -> Iterator[Match]:
    for count, match in enumerate(found):
        if limit is not None and count >= limit:
            return
        engine.meter.room(count)
        engine.meter.tick()
        yield match


def match(engine: Evaluation, text: Any, matcher: Any, limit: Any) -> Any:
    """``$match(s, pattern, limit)``."""
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise fault(-1, "D3040", limit)
    found = matches(engine, matcher, text) if limit is None or limit > 0 else iter(())
    return Utils.create_sequence_from_iter(
        {"match": each["match"], "index": each["start"], "groups": each["groups"]}
        for each in _limited(engine, found, limit)
    )


def split(engine: Evaluation, text: Any, separator: Any, limit: Any) -> Any:
    """``$split(s, separator, limit)``."""
    if text is None or separator is None:
        return None
    if limit is not None and limit < 0:
        raise fault(-1, "D3020", limit)
    if limit == 0:
        return []
    if isinstance(separator, str):
        engine.meter.room(text.count(separator))
        parts = text.split(separator) if separator else list(text)
        return parts if limit is None else parts[: int(limit)]
    parts, start = [], 0
    for each in _limited(engine, matches(engine, separator, text), limit):
        parts.append(text[start : int(each["start"])])
        start = int(each["end"])
    if limit is None or len(parts) < limit:
        parts.append(text[start:])
    return parts


def join(_: Evaluation, texts: Any, separator: Any) -> Any:
    """``$join(array, separator)``."""
    if texts is None:
        return None
    functions.check_join(texts, separator)
    return (separator or "").join(texts)


def replace(engine: Evaluation, text: Any, pattern: Any, replacement: Any, limit: Any) -> Any:
    """``$replace(s, pattern, replacement, limit)``."""
    if text is None:
        return None
    if pattern is None or replacement is None:
        msg = "$replace needs a text, a pattern and a replacement"
        raise ExpressionFailure(msg)
    how = replacement if isinstance(replacement, str) else lambda found: engine.call(replacement, [dict(found)])
    wanted = pattern if isinstance(pattern, str) else lambda whole: matches(engine, pattern, whole)
    return functions.replace(text, wanted, how, limit, engine.meter)


def base64_encode(_: Evaluation, text: Any) -> Any:
    """``$base64encode(s)``: each character is one byte, its lowest eight bits."""
    if text is None:
        return None
    units = text.encode("utf-16-le", "surrogatepass")[::2]
    return base64.b64encode(units).decode("ascii")


def base64_decode(_: Evaluation, text: Any) -> Any:
    """``$base64decode(s)``: each byte becomes one character; what is no Base64 is left out."""
    if text is None:
        return None
    kept = re.sub(r"[^A-Za-z0-9+/]", "", text.partition("=")[0].replace("-", "+").replace("_", "/"))
    kept = kept[:-1] if len(kept) % 4 == 1 else kept
    try:
        return base64.b64decode(kept + "=" * (-len(kept) % 4)).decode("latin-1")
    except binascii.Error as error:
        msg = "$base64decode: the text is not Base64"
        raise ExpressionFailure(msg) from error


def _encode(name: str, text: Any, safe: str) -> Any:
    if text is None:
        return None
    try:
        return quote(text, safe=safe, errors="strict")
    except UnicodeEncodeError as error:
        raise fault(-1, "D3140", name, text) from error


def _decode(name: str, text: Any, kept: str) -> Any:
    if text is None:
        return None
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise fault(-1, "D3140", name, text)
    if kept:
        text = re.sub("%(?=" + "|".join(f"{ord(sign):02X}" for sign in kept) + ")", "%25", text, flags=re.IGNORECASE)
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise fault(-1, "D3140", name, text) from error


def encode_url_component(_: Evaluation, text: Any) -> Any:
    """``$encodeUrlComponent(s)``."""
    return _encode("encodeUrlComponent", text, _URL_COMPONENT)


def encode_url(_: Evaluation, text: Any) -> Any:
    """``$encodeUrl(s)``."""
    return _encode("encodeUrl", text, _URL)


def decode_url_component(_: Evaluation, text: Any) -> Any:
    """``$decodeUrlComponent(s)``."""
    return _decode("decodeUrlComponent", text, "")


def decode_url(_: Evaluation, text: Any) -> Any:
    """``$decodeUrl(s)``: what stands for a sign with a meaning in URLs stays encoded."""
    return _decode("decodeUrl", text, ";/?:@&=+$,#")
