"""Rule E1: CloudEvents 1.0 in structured, batch and binary mode."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_workflow_provider.model.events import (
    BATCH,
    STRUCTURED,
    InvalidEvent,
    parse_batch,
    parse_event,
    parse_request,
)

GIVEN = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created"}


def findings(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidEvent) as refused:
        parse_event(document)
    return [(each["pointer"], each["message"]) for each in refused.value.findings]


def test_e1_the_required_attributes_are_enough() -> None:
    event = parse_event(GIVEN)
    assert event.key == ("/shop", "1")
    assert event.to_json() == {**GIVEN, "subject": None, "time": None, "data": None}


def test_e1_everything_is_kept() -> None:
    given = {
        **GIVEN,
        "subject": "order/1",
        "time": "2027-01-31T09:00:00.123456789+01:00",
        "datacontenttype": "application/json",
        "dataschema": "https://example.org/order.json",
        "data": {"amount": 5},
        "traceparent": "00-abc",
        "priority": 7,
        "urgent": True,
    }
    event = parse_event(given)
    assert event.to_json() == {**given, "time": "2027-01-31T09:00:00.123456+01:00"}
    assert event.extensions == {"traceparent": "00-abc", "priority": 7, "urgent": True}
    assert parse_event(event.to_json()) == event
    assert parse_event({**GIVEN, "time": "2027-01-31T09:00:00z"}).time == datetime(2027, 1, 31, 9, tzinfo=UTC)


def test_unset_attributes_may_be_null() -> None:
    assert parse_event({**GIVEN, "subject": None, "time": None, "myextension": None}).to_json()["subject"] is None
    assert parse_event({**GIVEN, "data": None}).data is None


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"specversion": "0.3"}, "/specversion", "'0.3'"),
        ({"id": ""}, "/id", "at least 1"),
        ({"id": 1}, "/id", "string"),
        ({"id": "x" * 1001}, "/id", "1000 bytes"),
        ({"source": "ü" * 751}, "/source", "1500 bytes"),
        ({"source": "a\x00b"}, "/source", "U+0000"),
        ({"type": "x" * 501}, "/type", "500"),
        ({"type": ".".join("x" * 65)}, "/type", "64 segments"),
        ({"time": "2027-01-31"}, "/time", "RFC 3339"),
        ({"time": "2027-01-31T09:00:00"}, "/time", "RFC 3339"),
        ({"time": "2027-13-31T09:00:00Z"}, "/time", "month"),
        ({"time": 1}, "/time", "RFC 3339"),
        ({"myExtension": "x"}, "", "lower-case"),
        ({"nested": {"a": 1}}, "", "'nested'"),
        ({"number": 2**31}, "", "32 bits"),
        ({"data": 1, "data_base64": "eA=="}, "", "both"),
        ({"data_base64": "not Base64"}, "", "is not Base64"),
    ],
)
def test_what_is_no_cloud_event_is_refused_with_its_place(change: dict[str, Any], place: str, words: str) -> None:
    found = findings({**GIVEN, **change})
    assert found[0][0] == place
    assert words in found[0][1]


def test_all_findings_are_given_at_once() -> None:
    assert {place for place, _ in findings({"id": "1"})} == {"/specversion", "/source", "/type"}
    assert findings([1])[0] == ("", "An event is a JSON object, not an array")


def test_a_batch_is_read_whole_or_not_at_all() -> None:
    assert [event.id for event in parse_batch([GIVEN, {**GIVEN, "id": "2"}])] == ["1", "2"]
    with pytest.raises(InvalidEvent) as refused:
        parse_batch([GIVEN, {**GIVEN, "id": ""}, {**GIVEN, "type": 1}])
    assert [each["pointer"] for each in refused.value.findings] == ["/1/id", "/2/type"]
    with pytest.raises(InvalidEvent, match="at most 1000"):
        parse_batch([GIVEN] * 1001)


def test_structured_batch_and_plain_json_requests() -> None:
    body = json.dumps(GIVEN).encode()
    assert parse_request({"Content-Type": f"{STRUCTURED}; charset=utf-8"}, body)[0].id == "1"
    assert parse_request({"content-type": "application/json"}, body)[0].id == "1"
    assert len(parse_request({"Content-Type": BATCH}, b"[%s,%s]" % (body, body))) == 2
    assert parse_request({"Content-Type": BATCH}, b"[]") == []
    for broken in (b"{", b'{"id":1,"id":2}', b"\xff\xfe\xfd", b'{"a":NaN}', b""):
        with pytest.raises(InvalidEvent):
            parse_request({"Content-Type": STRUCTURED}, broken)


def test_binary_requests() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "CE-Source": "/shop", "ce-type": "order.created"}
    event = parse_request(
        {**headers, "ce-subject": "gr%C3%BC%C3%9Fe", "Content-Type": "application/json"}, b'{"a": 1}'
    )[0]
    assert (event.subject, event.data, event.datacontenttype) == ("grüße", {"a": 1}, "application/json")
    assert parse_request({**headers, "Content-Type": "text/plain"}, b"hello")[0].data == "hello"
    raw = parse_request({**headers, "Content-Type": "application/octet-stream", "ce-x": "y"}, b"\x00\x01")[0]
    assert (raw.data, raw.data_base64, raw.extensions) == (None, "AAE=", {"x": "y"})
    assert parse_request(headers, b"")[0].data is None
    with pytest.raises(InvalidEvent, match="type is missing"):
        parse_request({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop"}, b"")


def test_json_data_in_base64_is_data() -> None:
    encoded = base64.b64encode(b'{"amount": 5}').decode()
    event = parse_event({**GIVEN, "datacontenttype": "application/vnd.order+json", "data_base64": encoded})
    assert (event.data, event.data_base64) == ({"amount": 5}, None)


def test_the_correlation_id_comes_from_the_event() -> None:
    assert parse_event({**GIVEN, "correlationid": "c", "subject": "s"}).correlation_id == "c"
    assert parse_event({**GIVEN, "subject": "s"}).correlation_id == "s"
    assert parse_event(GIVEN).correlation_id == "1"
