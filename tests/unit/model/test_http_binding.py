"""Rule E1: events in HTTP, by the CloudEvents HTTP protocol binding 1.0.2 and its JSON format."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.model.events import (
    BATCH,
    STRUCTURED,
    InvalidEvent,
    UnknownMediaType,
    parse_request,
)

NAMED = {"ce-specversion": "1.0", "ce-id": "n-1", "ce-source": "/depot", "ce-type": "parcel.sent"}
DOCUMENT = {"specversion": "1.0", "id": "n-1", "source": "/depot", "type": "parcel.sent"}
NAMES = ("id", "source", "type", "subject", "dataschema", "region")


def read(headers: dict[str, str], body: bytes = b"") -> Any:
    [event] = parse_request({**NAMED, **headers}, body)
    return event


def refused(headers: Any, body: bytes = b"") -> list[tuple[str, str]]:
    with pytest.raises(InvalidEvent) as found:
        parse_request(headers, body)
    return [(each["pointer"], each["message"]) for each in found.value.findings]


def on_the_wire(text: str) -> str:
    """Encode a value as section 3.1.3.2 has senders do it."""
    plain = {chr(code) for code in range(0x21, 0x7F)} - {'"', "%"}
    return "".join(c if c in plain else "".join(f"%{byte:02X}" for byte in c.encode()) for c in text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("plain", "plain"),
        ('"two words"', "two words"),
        (r'"a \"b\" c"', 'a "b" c'),
        (r'"back\\slash"', "back\\slash"),
        (r'"\p"', "p"),
        ('"a%20b"', "a b"),
        ('x"y z"w', "xy zw"),
        ("%41%62c", "Abc"),
        ("%c3%a9", "é"),
        ("%F0%9F%93%A6", "📦"),
        ("a%2520b", "a%20b"),
        ("%22", '"'),
        (r"back\slash", r"back\slash"),
        ("a+b", "a+b"),
        ("caf\u00c3\u00a9", "café"),
        (" padded\t", "padded"),
    ],
)
def test_e1_a_header_is_unquoted_and_then_percent_decoded_once(name: str, sent: str, value: str) -> None:
    event = read({f"ce-{name}": sent})

    assert event.to_json()[name] == value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("%C0%A0", "UTF-8"),
        ("%C1%81", "UTF-8"),
        ("%E4", "UTF-8"),
        ("%E0%80%80", "UTF-8"),
        ("%ED%A0%BD%ED%B3%A6", "UTF-8"),
        ("%F4%90%80%80", "UTF-8"),
        ("%FF", "UTF-8"),
        ("x%E2%82", "UTF-8"),
        ("M\u00fcnchen", "UTF-8"),
        ("half \ud83d", "UTF-8"),
        ("100%", "%25"),
        ("%4", "%25"),
        ("%zz", "%25"),
        ('"open', "%22"),
        ('5" pipe', "%22"),
        ('"ends with a backslash\\"', "%22"),
        ("%00", "U+0000"),
    ],
)
def test_e1_what_is_no_text_is_refused_and_names_the_attribute(name: str, sent: str, words: str) -> None:
    found = refused({**NAMED, f"ce-{name}": sent})

    assert found[0][0] == f"/{name}"
    assert any(words in message for _, message in found)


def test_e1_all_headers_that_are_wrong_are_found_at_once() -> None:
    found = refused({**NAMED, "ce-id": "%E4", "ce-trace": '"', "ce-data": "x"})

    assert [place for place, _ in found] == ["/id", "/trace", "/data"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_e1_whatever_was_encoded_comes_back(text: str) -> None:
    assert read({"ce-id": on_the_wire(text)}).id == text


@given(st.text(st.sampled_from('aä%4E \\"é\ud83d\u00e4'), min_size=1, max_size=8))
def test_e1_what_a_header_becomes_is_what_a_sender_would_have_encoded(raw: str) -> None:
    try:
        value = read({"ce-id": f"x{raw}x"}).id
    except InvalidEvent:
        return
    assert "\N{REPLACEMENT CHARACTER}" not in value
    assert read({"ce-id": on_the_wire(value)}).id == value


@pytest.mark.parametrize("name", ["ce-id", "CE-ID", "ce-colour"])
def test_e1_an_attribute_given_twice_is_refused(name: str) -> None:
    pairs = [*NAMED.items(), (name, "n-2"), (name.lower(), "n-3")]

    assert refused(pairs)[0][0] == f"/{name[3:].lower()}"


def test_e1_other_headers_may_be_there_twice() -> None:
    [event] = parse_request([*NAMED.items(), ("Accept", "a"), ("accept", "b")], b"")

    assert event.id == "n-1"
    assert refused([*NAMED.items(), ("Content-Type", "text/plain"), ("content-type", "text/css")], b"x") == [
        ("/datacontenttype", "the header content-type is there twice")
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("data", "1"), ("data_base64", "eA=="), ("datacontenttype", "text/plain"), ("trace-parent", "a")],
)
def test_e1_what_is_no_attribute_of_binary_mode_is_refused(name: str, value: str) -> None:
    assert refused({**NAMED, "Content-Type": "application/json", f"ce-{name}": value}, b"{}")


def test_e1_the_attribute_beside_content_type_may_say_the_same() -> None:
    event = read({"Content-Type": "application/json", "ce-datacontenttype": "application/json"}, b"7")

    assert (event.data, event.datacontenttype) == (7, "application/json")


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("text/plain", "Größe".encode(), "Größe"),
        ("text/plain; charset=utf-8", "Größe".encode(), "Größe"),
        ('text/plain; charset="UTF-8"', "Größe".encode(), "Größe"),
        ("text/plain;charset=iso-8859-1", "Größe".encode("latin-1"), "Größe"),
        ("text/csv; header=present; charset=windows-1252", "5 €".encode("cp1252"), "5 €"),
        ("text/plain; charset=utf-16", "Größe".encode("utf-16"), "Größe"),
        ("TEXT/PLAIN; CHARSET=Shift_JIS", "注文".encode("shift_jis"), "注文"),
        ("text/plain; charset=us-ascii", b"order", "order"),
        ("application/json", b"\xef\xbb\xbf[1]", [1]),
        ("application/json; charset=utf-8", b"\xef\xbb\xbf[1]", [1]),
        ("application/vnd.parcel+json; charset=iso-8859-1", '{"n": "ü"}'.encode("latin-1"), {"n": "ü"}),
        ("application/json", '"ü"'.encode("utf-16"), "ü"),
        ("text/json", b"null", None),
    ],
)
def test_e1_a_body_is_read_in_its_charset(content_type: str, body: bytes, data: Any) -> None:
    event = read({"Content-Type": content_type}, body)

    assert (event.data, event.data_base64, event.datacontenttype) == (data, None, content_type)


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("text/plain", b"\xe4", "UTF-8"),
        ("text/plain; charset=us-ascii", "ä".encode(), "US-ASCII"),
        ("text/plain; charset=klingon", b"x", "'klingon'"),
        ("text/plain; charset=rot13", b"x", "'rot13'"),
        ("text/plain; charset=unicode_escape", b"x", "'unicode_escape'"),
        ("text/plain; charset=base64", b"eA==", "'base64'"),
        ("text/plain; charset=idna", b"x", "'idna'"),
        ("text/plain; charset=a\x00b", b"x", "not known"),
        ("application/json; charset=klingon", b"1", "'klingon'"),
        ("application/json; charset=utf-8", b'"\xe4"', "UTF-8"),
    ],
)
def test_e1_a_body_that_is_not_of_its_charset_is_refused(content_type: str, body: bytes, words: str) -> None:
    [(place, message)] = refused({**NAMED, "Content-Type": content_type}, body)

    assert place == "/data"
    assert words in message


def test_e1_a_charset_counts_for_structured_mode_and_batches() -> None:
    text = json.dumps({**DOCUMENT, "subject": "Köln"}, ensure_ascii=False)
    for kind, body in ((STRUCTURED, text), (BATCH, f"[{text}]")):
        for charset in ("utf-8", "iso-8859-1", "utf-16"):
            [event] = parse_request({"content-type": f"{kind}; charset={charset}"}, body.encode(charset))
            assert event.subject == "Köln"
        assert refused({"content-type": f"{kind}; charset=klingon"}, body.encode())
        assert refused({"content-type": f"{kind}; charset=utf-8"}, body.encode("latin-1"))
        [event] = parse_request({"content-type": kind}, b"\xef\xbb\xbf" + body.encode())
        assert event.subject == "Köln"


def test_e1_a_structured_event_counts_and_not_the_headers_beside_it() -> None:
    [event] = parse_request({**NAMED, "ce-id": "other", "content-type": STRUCTURED}, json.dumps(DOCUMENT).encode())

    assert event.id == "n-1"


@pytest.mark.parametrize("kind", ["application/cloudevents+avro", "application/cloudevents", "text/plain", ""])
def test_e1_a_format_that_is_not_read_is_refused(kind: str) -> None:
    with pytest.raises(UnknownMediaType):
        parse_request({"content-type": kind}, b"{}")


def test_e1_an_event_in_another_format_is_not_taken_for_data() -> None:
    with pytest.raises(UnknownMediaType):
        parse_request({**NAMED, "content-type": "application/cloudevents+protobuf"}, b"\x01")


def test_e1_data_that_is_json_in_base64_is_read_in_its_charset() -> None:
    document = {**DOCUMENT, "datacontenttype": "application/json; charset=iso-8859-1"}
    document["data_base64"] = base64.b64encode('{"city": "Köln"}'.encode("latin-1")).decode()

    [event] = parse_request({"content-type": STRUCTURED}, json.dumps(document).encode())

    assert (event.data, event.data_base64) == ({"city": "Köln"}, None)
    broken = {**document, "datacontenttype": "application/json"}
    assert refused({"content-type": BATCH}, json.dumps([DOCUMENT, broken]).encode())[0][0] == "/1/data_base64"


# What the conformance features of CloudEvents ask of an HTTP receiver and of the JSON format, in our own words.

CONTEXT = {
    "specversion": "1.0",
    "type": "org.example.parcel.scanned",
    "time": "2031-07-09T18:20:05Z",
    "id": "scan-55-0001",
    "source": "/depots/hamburg/belt",
}
PAYLOAD = {"parcel": "P-9", "weights": [1, 2.5], "fragile": True}


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_cloudevents_conformance_of_binary_mode(content_type: str) -> None:
    headers = {f"ce-{name}": value for name, value in CONTEXT.items()}
    body = json.dumps(PAYLOAD, indent=4).encode()

    [event] = parse_request(
        {"Host": "localhost", **headers, "Content-Type": content_type, "Content-Length": str(len(body))}, body
    )

    assert event.to_json() == {**CONTEXT, "datacontenttype": content_type, "data": PAYLOAD, "subject": None}


@pytest.mark.parametrize("content_type", [STRUCTURED, f"{STRUCTURED}; charset=utf-8"])
def test_cloudevents_conformance_of_structured_mode(content_type: str) -> None:
    document = {**CONTEXT, "datacontenttype": "application/json", "data": PAYLOAD}

    [event] = parse_request({"Content-Type": content_type}, json.dumps(document, indent=4).encode())

    assert event.to_json() == {**document, "subject": None}


@pytest.mark.parametrize(
    "data", [PAYLOAD, [], {}, "", "text", 0, -0.5, False, None, [None], 2**63, {"": {"/~": "x"}}, "\U0001f4e6"]
)
def test_cloudevents_conformance_of_the_json_format(data: Any) -> None:
    document = {**CONTEXT, "subject": "s", "data": data, "sequence": 7, "sampled": False, "traceparent": "00-1"}

    [event] = parse_request({"content-type": STRUCTURED}, json.dumps(document).encode())

    assert event.to_json() == document
    assert parse_request({"content-type": STRUCTURED}, json.dumps(event.to_json()).encode()) == [event]
