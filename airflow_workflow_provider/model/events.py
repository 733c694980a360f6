"""Events as CloudEvents 1.0 (rule E1): the document, and how it travels in HTTP.

Structured mode is one JSON object, a batch is a JSON array of them, binary mode has the attributes in ``ce-`` headers
and the data in the body. What is read here is checked completely, so that a stored event can always be delivered.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Self

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from airflow_workflow_provider.errors import InvalidDefinition, Unprocessable
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.fields import Node
from airflow_workflow_provider.model.http_headers import by_name, header_value, media_type, text_of
from airflow_workflow_provider.model.json_text import loads_document, value_findings
from airflow_workflow_provider.model.patterns import MAX_SEGMENTS
from airflow_workflow_provider.vocabulary import ProblemCode

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
FAMILY: Final = "application/cloudevents"
"""The media types of events in whatever format begin so; only those of JSON are read."""

TYPE_HEADER: Final = "content-type"
HEADER_PREFIX: Final = "ce-"
MAX_BATCH: Final = 1000
"""Events in one batch."""

DEPTH: Final = "workflowdepth"
"""Extension attribute: how many workflows in a row led to an event, so that a circle of them is noticed."""

MAX_TYPE: Final = 500
MAX_SOURCE_BYTES: Final = 1500
MAX_ID_BYTES: Final = 1000
MAX_SUBJECT: Final = 2000
_EXTENSION_NAME: Final = re.compile("[a-z0-9]{1,40}")
_MAX_EXTENSIONS: Final = 40
_MAX_EXTENSION_TEXT: Final = 2000
_INTEGERS: Final = range(-(2**31), 2**31)
_RFC3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})",
)
_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_JSON: Final = re.compile(r"(application|text)/([\w.!#$&^-]+\+)?json", re.IGNORECASE)


class InvalidEvent(Unprocessable):
    """What was given is no CloudEvent; ``findings`` holds ``{"pointer", "message"}`` for each thing wrong with it."""

    default_code = ProblemCode.INVALID_EVENT

    def __init__(self, message: str, findings: list[dict[str, str]]) -> None:
        super().__init__(message, pointer=findings[0]["pointer"] if findings else None)
        self.findings = findings


class UnknownMediaType(InvalidEvent):
    """Nothing says that the request is an event, or it is one in a format that is not read."""

    default_code = ProblemCode.UNSUPPORTED_MEDIA_TYPE


class CloudEvent(Node):
    """One event.

    :param id: with ``source`` it names the event: delivered twice, it is the same one (rule E2)
    :param time: when it happened, with a time zone
    :param data: any JSON value; null for none
    :param data_base64: data that is not JSON
    """

    model_config = ConfigDict(extra="allow", alias_generator=None)

    specversion: str = "1.0"
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    type: str = Field(min_length=1, max_length=MAX_TYPE)
    subject: str | None = Field(None, min_length=1, max_length=MAX_SUBJECT)
    time: datetime | None = Field(None, strict=False)
    datacontenttype: str | None = Field(None, min_length=1, max_length=500)
    dataschema: str | None = Field(None, min_length=1, max_length=2000)
    data: Any = None
    data_base64: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """``source`` and ``id``: what makes it the same event."""
        return self.source, self.id

    @property
    def extensions(self) -> dict[str, Any]:
        """The extension attributes that are set."""
        return {name: value for name, value in (self.model_extra or {}).items() if value is not None}

    @property
    def correlation_id(self) -> str | None:
        """What instances that it starts are correlated by: ``correlationid``, else ``subject``, else its id."""
        given = self.extensions.get("correlationid")
        return str(given) if given is not None else self.subject or self.id

    def to_json(self) -> dict[str, Any]:
        """The event as expressions see it and as it is sent in structured mode.

        ``subject``, ``time`` and ``data`` are always there, null for none.
        """
        document: dict[str, Any] = {
            "specversion": self.specversion,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": None if self.time is None else self.time.isoformat().replace("+00:00", "Z"),
            "data": self.data,
        }
        further = {
            "datacontenttype": self.datacontenttype,
            "dataschema": self.dataschema,
            "data_base64": self.data_base64,
        }
        return {**document, **{k: v for k, v in further.items() if v is not None}, **self.extensions}

    @classmethod
    def of_json(cls, document: dict[str, Any]) -> CloudEvent:
        """Return the event that :meth:`to_json` gave; nothing is checked again."""
        time = document.get("time")
        absent = dict.fromkeys(("datacontenttype", "dataschema", "data_base64"))
        return CloudEvent.model_construct(
            **{**absent, **document, "time": None if time is None else datetime.fromisoformat(time)}
        )

    @field_validator("specversion")
    @classmethod
    def _known_version(cls, value: str) -> str:
        if value != "1.0":
            msg = f"version {value!r} of CloudEvents is not supported; the only supported one is '1.0'"
            raise ValueError(msg)
        return value

    @field_validator("id", "source", "type", "subject")
    @classmethod
    def _plain_text(cls, value: str | None) -> str | None:
        if value is not None and _UNSTORABLE.search(value):
            msg = "has a control character or half of a surrogate pair"
            raise ValueError(msg)
        return value

    @field_validator("id", "source")
    @classmethod
    def _short_key(cls, value: str, info: Any) -> str:
        longest = MAX_ID_BYTES if info.field_name == "id" else MAX_SOURCE_BYTES
        if len(value.encode()) > longest:
            msg = f"is longer than {longest} bytes as UTF-8"
            raise ValueError(msg)
        return value

    @field_validator("type")
    @classmethod
    def _few_segments(cls, value: str) -> str:
        if value.count(".") >= MAX_SEGMENTS:
            msg = f"has more than {MAX_SEGMENTS} segments"
            raise ValueError(msg)
        return value

    @field_validator("time", mode="before")
    @classmethod
    def _rfc3339(cls, value: Any) -> Any:
        if value is None or isinstance(value, datetime):
            return value
        if not isinstance(value, str) or not _RFC3339.fullmatch(value):
            msg = "is not an RFC 3339 time with offset, such as 2027-01-31T09:00:00Z"
            raise ValueError(msg)
        # datetime reads six digits of a fraction at most
        return re.sub(r"(\.\d{6})\d+", r"\1", value.upper())

    @field_validator("time")
    @classmethod
    def _with_offset(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.utcoffset() is None:
            msg = "has no offset"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        if self.data is not None and self.data_base64 is not None:
            msg = "has both data and data_base64"
            raise ValueError(msg)
        if self.data_base64 is not None:
            _decoded(self.data_base64)
        if len(self.extensions) > _MAX_EXTENSIONS:
            msg = f"has more than {_MAX_EXTENSIONS} extension attributes"
            raise ValueError(msg)
        for name, value in self.extensions.items():
            _check_extension(name, value)
        return self


def source_of(workflow_id: str) -> str:
    """The ``source`` of the events that a workflow's instances publish."""
    return f"/workflows/{workflow_id}"


def depth_of(event: Mapping[str, Any] | None) -> int:
    """How many workflows in a row led to an event; in binary mode all attributes come as text.

    :param event: its document, or none
    """
    depth = (event or {}).get(DEPTH, 0)
    if isinstance(depth, str) and depth.isascii() and depth.isdecimal():
        return int(depth) if len(depth) <= len(str(_INTEGERS.stop)) else _INTEGERS.stop
    return depth if isinstance(depth, int) else 0


def depth_after(event: Mapping[str, Any] | None) -> int:
    """The depth of what an instance publishes.

    :param event: the event that started the instance, if one did
    """
    return depth_of(event) + 1


def parse_event(document: Any, pointer: str = "") -> CloudEvent:
    """Read an event in structured mode.

    :param document: the parsed JSON
    :param pointer: where it stands, for messages
    :raises InvalidEvent: with every finding
    """
    if not isinstance(document, dict):
        message = f"An event is a JSON object, not {_kind(document)}"
        raise InvalidEvent(message, [{"pointer": pointer, "message": message}])
    findings = [{"pointer": pointer + each.pointer, "message": each.message} for each in value_findings(document)]
    given = {name: value for name, value in document.items() if value is not None or name == "data"}
    if "specversion" not in given:
        findings.append({"pointer": f"{pointer}/specversion", "message": 'specversion is missing; write "1.0"'})
    event = None
    try:
        event = CloudEvent.model_validate(given)
    except ValidationError as error:
        findings += [_finding(each, pointer) for each in error.errors(include_url=False, include_input=False)]
    if event is None or findings:
        message = f"Not a CloudEvent: {findings[0]['pointer'] or '/'}: {findings[0]['message']}"
        raise InvalidEvent(message, findings)
    return _with_json_data(event, pointer)


def parse_batch(documents: Any) -> list[CloudEvent]:
    """Read a batch; all events or none.

    :raises InvalidEvent: with the findings of every event
    """
    if not isinstance(documents, list):
        message = f"A batch of events is a JSON array, not {_kind(documents)}"
        raise InvalidEvent(message, [{"pointer": "", "message": message}])
    if len(documents) > MAX_BATCH:
        message = f"A batch has at most {MAX_BATCH} events, not {len(documents)}"
        raise InvalidEvent(message, [{"pointer": "", "message": message}])
    events: list[CloudEvent] = []
    findings: list[dict[str, str]] = []
    for number, document in enumerate(documents):
        try:
            events.append(parse_event(document, f"/{number}"))
        except InvalidEvent as error:
            findings += error.findings
    if findings:
        message = f"Not a batch of CloudEvents: {findings[0]['pointer']}: {findings[0]['message']}"
        raise InvalidEvent(message, findings)
    return events


def parse_request(headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes) -> list[CloudEvent]:
    """Read the event or events of an HTTP request, in whichever mode they were sent.

    :param headers: names in any case, values as HTTP servers hand them over: bytes read as ISO 8859-1; pairs, where
        a name can be there twice
    :raises UnknownMediaType: nothing says that it is an event, or it is one in a format that is not read
    :raises InvalidEvent: the body or the headers are no CloudEvent
    """
    given, repeated = by_name(headers.items() if isinstance(headers, Mapping) else headers)
    twice = sorted(name for name in repeated if name == TYPE_HEADER or name.startswith(HEADER_PREFIX))
    if twice:
        raise _refused([{"pointer": _place_of(name), "message": f"the header {name} is there twice"} for name in twice])
    kind, charset = media_type(given.get(TYPE_HEADER, ""))
    is_binary = f"{HEADER_PREFIX}specversion" in given
    if kind in (STRUCTURED, BATCH) or (not is_binary and _JSON.fullmatch(kind) and not kind.startswith(FAMILY)):
        document = _json(body, charset)
        many = kind == BATCH or (kind != STRUCTURED and isinstance(document, list))
        return parse_batch(document) if many else [parse_event(document)]
    if not is_binary or kind.startswith(FAMILY):
        message = f"The body is {kind or 'of no type'}; expected {STRUCTURED}, {BATCH}, or binary mode"
        raise UnknownMediaType(message, [{"pointer": "", "message": message}])
    return [_binary(given, kind, charset, body)]


def _binary(headers: Mapping[str, str], kind: str, charset: str | None, body: bytes) -> CloudEvent:
    document: dict[str, Any] = {}
    findings: list[dict[str, str]] = []
    for header, text in headers.items():
        if not header.startswith(HEADER_PREFIX):
            continue
        try:
            document[header.removeprefix(HEADER_PREFIX)] = _attribute(header, text, headers.get(TYPE_HEADER))
        except ValueError as error:
            findings.append({"pointer": _place_of(header), "message": f"the header {header} {error}"})
    if findings:
        raise _refused(findings)
    if kind:
        document["datacontenttype"] = headers[TYPE_HEADER]
    if body and (not kind or _JSON.fullmatch(kind)):
        document["data"] = _json(body, charset, "/data")
    elif body and kind.startswith("text/"):
        document["data"] = _text(body, charset or "utf-8", "/data")
    elif body:
        document["data_base64"] = base64.b64encode(body).decode()
    return parse_event(document)


def _attribute(header: str, text: str, content_type: str | None) -> str:
    if header.removeprefix(HEADER_PREFIX) in ("data", "data_base64"):
        msg = "is not an attribute; in binary mode the body is the data"
        raise ValueError(msg)
    value = header_value(text)
    if header == f"{HEADER_PREFIX}datacontenttype" and value != content_type:
        msg = "contradicts Content-Type, which says it in binary mode"
        raise ValueError(msg)
    return value


def _place_of(header: str) -> str:
    name = "datacontenttype" if header == TYPE_HEADER else header.removeprefix(HEADER_PREFIX)
    return pointer_of([name])


def _refused(findings: list[dict[str, str]]) -> InvalidEvent:
    return InvalidEvent(f"Not a CloudEvent: {findings[0]['pointer']}: {findings[0]['message']}", findings)


def _text(body: bytes, charset: str, pointer: str) -> str:
    try:
        return text_of(body, charset)
    except ValueError as error:
        raise _refused([{"pointer": pointer, "message": str(error)}]) from error


def _with_json_data(event: CloudEvent, pointer: str) -> CloudEvent:
    """An event whose JSON data came as base64 has data all the same."""
    kind, charset = media_type(event.datacontenttype or "")
    if event.data_base64 is None or not _JSON.fullmatch(kind):
        return event
    data = _json(_decoded(event.data_base64), charset, f"{pointer}/data_base64")
    return event.model_copy(update={"data": data, "data_base64": None})


def _json(body: bytes, charset: str | None = None, pointer: str = "") -> Any:
    try:
        return loads_document(body if charset is None else _text(body, charset, pointer))
    except InvalidDefinition as error:
        findings = [{"pointer": pointer + each.pointer, "message": each.message} for each in error.diagnostics]
        message = f"Not JSON: {findings[0]['message']}"
        raise InvalidEvent(message, findings) from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        msg = "data_base64 is not Base64"
        raise ValueError(msg) from None


def _check_extension(name: str, value: Any) -> None:
    if not _EXTENSION_NAME.fullmatch(name):
        msg = f"{name[:60]!r} is not a CloudEvents attribute; extensions have names of lower-case letters and digits"
        raise ValueError(msg)
    if isinstance(value, bool) or (isinstance(value, int) and value in _INTEGERS):
        return
    if not isinstance(value, str) or len(value) > _MAX_EXTENSION_TEXT or _UNSTORABLE.search(value):
        msg = f"extension {name!r} must be a short text, a whole number of 32 bits, or true or false"
        raise ValueError(msg)


def _finding(error: Any, pointer: str) -> dict[str, str]:
    place = "".join(f"/{part}" for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        message = f"{error['loc'][-1]} is missing"
    return {"pointer": pointer + place, "message": message}


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
