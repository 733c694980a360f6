"""Bodies that are no JSON, or have what cannot be kept: refused by every operation alike, with code and place."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from airflow_workflow_provider.api.app import create_app
from airflow_workflow_provider.api.openapi import openapi_document
from tests.support.api import Api
from tests.support.json_edges import EDGES

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def _sample(name: str) -> str:
    return (
        "example"
        if name in ("workflow_id", "task_id", "workflowId", "taskId")
        else "00000000-0000-4000-8000-000000000001"
    )


OPERATIONS = [
    (method, re.sub(r"\{(\w+)\}", lambda found: _sample(found[1]), path.removeprefix("/api/v1/")))
    for path, item in openapi_document(create_app())["paths"].items()
    for method, operation in item.items()
    if "requestBody" in operation
]

WITHOUT_BODY = {"reconciliations"}
"""What may be asked for without a body; other operations of which that is true are refused for their sample ids."""


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_d2_every_operation_refuses_the_same(api: Api, method: str, path: str) -> None:
    client = api.as_role("admin")
    headers = {"Content-Type": "application/json"}
    for name, text in EDGES.items():
        for body in (text, b'{"input": ' + text + b"}"):
            if not body and path in WITHOUT_BODY:
                continue
            answer = client.request(method, path, content=body, headers=headers)
            if path.endswith("/validate") and answer.status_code == 200:
                # It reports what is wrong with a document as its result.
                assert answer.json()["valid"] is False, name
                continue
            assert 400 <= answer.status_code < 500, (name, answer.text)
            found = json.loads(answer.text, parse_constant=pytest.fail)
            assert answer.headers["content-type"] == "application/problem+json", (name, answer.text)
            assert found["code"], name


READS = [
    (path, [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"])
    for path, item in openapi_document(create_app())["paths"].items()
    for method, operation in item.items()
    if method == "get"
]
ODD = [
    "", "%00", "a%00b", "%FF", "%C0%A0", "%ED%A0%BD", "%EF%BB%BFa", "NaN", "Infinity", "1e400", "-1", "0",
    "9" * 30, "1" * 5000, "1.5", "%7B%22a%22:1,%22a%22:2%7D", "[" * 2000, "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", "%2F..%2F", "'%22%5C;--", "%25", "%F0%9F%92%A9", "true", "null", "*", "a" * 8000,
]  # fmt: skip


@pytest.mark.parametrize(("path", "names"), READS, ids=[path for path, _ in READS])
def test_d2_odd_texts_in_paths_and_filters_are_problems_or_found_nothing(api: Api, path: str, names: list[str]) -> None:
    client = api.as_role("admin")
    whole = path.removeprefix("/api/v1/")
    sample = re.sub(r"\{(\w+)\}", lambda found: _sample(found[1]), whole)
    urls = [f"{sample}?{name}={odd}" for name in names for odd in ODD]
    urls += [f"{sample}?{name}=a&{name}=b" for name in names]
    if whole != sample:
        urls += [odd.replace("/", "%2F").join(re.split(r"\{\w+\}", whole)) for odd in ODD if odd]
    for url in urls:
        answer = client.get(url)
        assert answer.status_code < 500, (url[:200], answer.text)
        kind = answer.headers.get("content-type", "")
        if "json" in kind:
            json.loads(answer.content.decode(), parse_constant=pytest.fail)
        if answer.status_code >= 400:
            assert kind == "application/problem+json", (url[:200], answer.text)
            assert answer.json()["code"], url[:200]


@pytest.mark.parametrize(
    ("headers", "body", "status", "place"),
    [
        ({"ce-id": "%E4"}, b"", 422, "/id"),
        ({"ce-subject": '"open'}, b"", 422, "/subject"),
        ({"ce-color": "%C0%A0"}, b"", 422, "/color"),
        ({"content-type": "text/plain; charset=klingon"}, b"x", 400, "/data"),
        ({"content-type": "text/plain"}, b"\xff", 400, "/data"),
        ({"content-type": "application/json"}, b'{"a": 1e400}', 400, "/data/a"),
        ({"content-type": "application/json"}, rb'{"a": "\ud83d"}', 422, "/data/a"),
    ],
)
def test_e1_a_binary_event_without_a_required_attribute_is_refused_with_its_attribute(
    api: Api, headers: dict[str, str], body: bytes, status: int, place: str
) -> None:
    given = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", **headers}
    answer = api.as_role("admin").post("events", content=body, headers=given)
    assert answer.status_code == status, answer.text
    assert [each["pointer"] for each in answer.json()["diagnostics"]] == [place]


def test_e1_ids_that_differ_are_different_events(api: Api) -> None:
    client = api.as_role("admin")
    kept: list[Any] = []
    for sent in ("%E2%82%AC", "%C3%A4", '"a b"', "a%20%20b", "a%2520b", "%22a%22"):
        given = {"ce-specversion": "1.0", "ce-id": sent, "ce-source": "/s", "ce-type": "t"}
        kept += client.post("events", headers=given).json()["items"]
    assert [each["eventId"] for each in kept] == ["€", "ä", "a b", "a  b", "a%20b", '"a"']
    assert all(each["created"] for each in kept)
    raw = [(b"ce-specversion", b"1.0"), (b"ce-id", "ä".encode()), (b"ce-source", b"/s"), (b"ce-type", b"t")]
    again = client.post("events", headers=raw)
    assert again.json()["items"] == [{**kept[1], "created": False}]
    twice = client.post("events", headers=[*raw, (b"CE-ID", b"x")])
    assert (twice.status_code, twice.json()["diagnostics"][0]["pointer"]) == (422, "/id")
