from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.documents import check, found, workflow


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {}, "required": []},
        {"type": ["object", "null"]},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/a"},
        {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string", "format": "date-time"}}},
        {"properties": {"a": {"$ref": "#here"}, "b": {"$anchor": "here"}}},
        {"properties": {"a": {"$ref": "a.json"}}, "$defs": {"x": {"$id": "a.json", "type": "string"}}},
        {"properties": {"children": {"type": "array", "items": {"$ref": "#"}}}},
        {"properties": {"$ref": {"type": "string"}}, "examples": [{"$ref": "http://example.com"}]},
        {"properties": {"default": {"const": {"$ref": "nowhere"}}}},
        {"unevaluatedProperties": False, "if": {"required": ["a"]}, "then": {"required": ["b"]}},
    ],
)
def test_x6_schemas_of_draft_2020_12_are_taken(schema: dict[str, Any]) -> None:
    assert found(workflow(inputSchema=schema)) == []


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "objet"}, "/inputSchema/type"),
        ({"required": "a"}, "/inputSchema/required"),
        ({"properties": {"a": {"minimum": "1"}}}, "/inputSchema/properties/a/minimum"),
        ({"properties": {"a/b": 5}}, "/inputSchema/properties/a~1b"),
        ({"properties": {"a": {"pattern": "("}}}, "/inputSchema/properties/a/pattern"),
        ({"type": "string"}, "/inputSchema/type"),
        ({"type": ["array", "null"]}, "/inputSchema/type"),
        ({"$ref": "#"}, "/inputSchema"),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"allOf": [{"$ref": "#"}]}}}, "/inputSchema"),
    ],
)
def test_x6_the_schema_itself_is_checked(schema: dict[str, Any], pointer: str) -> None:
    assert ("WF126", pointer) in found(workflow(inputSchema=schema))


@pytest.mark.parametrize(
    "reference",
    [
        "http://localhost:9/x",
        "https://json-schema.org/x",
        "file:///etc/passwd",
        "#/$defs/none",
        "#none",
        "other.json",
        "//[",
        "#/%zz",
    ],
)
def test_x6_nothing_outside_the_schema_is_referred_to(reference: str) -> None:
    schema = {"properties": {"a": {"$ref": reference}}}

    assert ("WF127", "/inputSchema/properties/a/$ref") in found(workflow(inputSchema=schema))


def test_x6_another_draft_is_warned_of() -> None:
    result = check(workflow(inputSchema={"$schema": "http://json-schema.org/draft-07/schema#"}))

    assert result.valid
    assert [(each.code, each.pointer) for each in result.diagnostics] == [("WF126", "/inputSchema/$schema")]


@pytest.mark.parametrize("value", [[], "x", 5, True, None])
def test_x6_the_schema_is_an_object(value: object) -> None:
    assert found(workflow(inputSchema=value)) == [("WF112", "/inputSchema")]


def test_x6_a_hostile_schema_ends_in_a_finding() -> None:
    deep: dict[str, Any] = {}
    for _ in range(380):
        deep = {"not": deep}
    wide = {"properties": {f"name{number}": {"type": "string"} for number in range(30_000)}}

    assert found(workflow(inputSchema=deep)) in ([], [("WF126", "/inputSchema")])
    assert found(workflow(inputSchema=wide)) == [("WF126", "/inputSchema")]
