from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.json_text import MAX_DEPTH, loads_document
from tests.support.documents import found, workflow


def _refused(text: str | bytes) -> list[tuple[str, str, str, str | None]]:
    with pytest.raises(InvalidDefinition) as refused:
        loads_document(text)
    return [(each.code, each.pointer, each.message, each.suggestion) for each in refused.value.diagnostics]


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("text", "place", "suggestion"),
    [
        ("", "line 1, column 1", "empty"),
        ("  \n ", "line 2, column 2", "empty"),
        ('{"a": 1,}', "line 1, column 9", "comma"),
        ('{"a": [1,\n]}', "line 2, column 1", "comma"),
        ("{'a': 1}", "line 1, column 2", "double quotes"),
        ("{“a”: 1}", "line 1, column 2", "double quotes"),
        ('{\n  // note\n  "a": 1}', "line 2, column 3", "comments"),
        ('{"a": 1 # note\n}', "line 1, column 9", "comments"),
        ('{"a": 1', "line 1, column 8", "too early"),
        ('{"a": tru}', "line 1, column 7", None),
    ],
)
def test_d2_broken_json_says_where_and_what_to_do(text: str, place: str, suggestion: str | None) -> None:
    [(code, pointer, message, hint)] = _refused(text)

    assert (code, pointer) == ("WF100", "")
    assert place in message
    assert (suggestion in (hint or "")) if suggestion else hint is None


def test_d2_every_repeated_key_is_found() -> None:
    text = '{"a": 1, "b": [{"c": 1, "c": 2, "c": 3}], "a": 2, "x/y": {"~": 1, "~": 1}}'

    assert [(code, pointer) for code, pointer, _, _ in _refused(text)] == [
        ("WF101", "/a"), ("WF101", "/b/0/c"), ("WF101", "/x~1y/~0"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e400", "9" * 301, "9" * 100_000])
def test_d2_a_text_that_only_looks_like_a_number_is_found(number: str) -> None:
    [(code, pointer, message, _)] = _refused(f'{{"a": [0, {number}]}}')

    assert (code, pointer) == ("WF102", "/a/1")
    assert len(message) < 200


def test_d2_deep_nesting_is_refused_and_never_a_traceback() -> None:
    assert _refused("[" * 100_000)[0][0] == "WF103"
    assert _refused("[" * 10_000 + "]" * 10_000)[0][0] == "WF103"
    assert found({**workflow(), "description": _nested(MAX_DEPTH + 1)}) == [("WF103", "/description/0/0/0")]
    assert found(_nested(10_000))[0][0] == "WF103"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_d2_text_of_any_unicode_encoding_is_read(encoding: str) -> None:
    assert loads_document('{"name": "Prüfung"}'.encode(encoding)) == {"name": "Prüfung"}


def test_d2_bytes_that_are_no_text_are_refused() -> None:
    assert _refused(b'{"name": "\xff\xfe"}')[0][0] == "WF100"


def test_d2_a_byte_order_mark_is_not_part_of_the_document() -> None:
    assert loads_document("\ufeff{}") == {}


def test_d2_text_that_postgresql_cannot_store_is_refused_wherever_it_is() -> None:
    document = workflow(inputSchema={"properties": {"a\0": {"default": "\ud83d"}}})
    document["steps"][0]["arguments"] = {}
    document["name"] = "x\0"

    assert sorted(found(document)) == [
        ("WF105", "/inputSchema/properties"),
        ("WF105", "/inputSchema/properties/a\0/default"),
        ("WF105", "/name"),
    ]


def test_d2_a_pair_of_surrogates_is_one_character() -> None:
    document = loads_document(json.dumps(workflow(description="😀")))

    assert found(document) == []


def test_d2_a_value_that_is_not_json_is_refused() -> None:
    assert ("WF112", "/description") in found(workflow(description={1, 2}))
    assert ("WF112", "") in found({**workflow(), 5: 1})


def test_d2_an_endless_document_is_refused() -> None:
    endless: dict[str, Any] = workflow()
    endless["inputSchema"] = endless

    assert found(endless)[0][0] == "WF103"
