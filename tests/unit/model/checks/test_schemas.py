from __future__ import annotations

from typing import Any

import pytest

from tests.support.documents import check, found, workflow


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


@pytest.mark.parametrize("depth", range(100, 140, 4))
def test_x6_a_schema_nested_too_deeply_ends_in_a_finding_wherever_the_stack_ends(depth: int) -> None:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"not": schema}
    assert found(workflow(inputSchema=schema)) in ([], [("WF126", "/inputSchema")])


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"properties": {"a": {"pattern": "(?P<n>x)"}}}, "/inputSchema/properties/a/pattern"),
        ({"patternProperties": {"(?i)x": True}}, "/inputSchema/patternProperties/(?i)x"),
        ({"propertyNames": {"pattern": r"\Ax"}}, "/inputSchema/propertyNames/pattern"),
        ({"properties": {"pattern": {"pattern": "a++"}}}, "/inputSchema/properties/pattern/pattern"),
        ({"properties": {"a": {"type": "string", "default": 1}}}, "/inputSchema/properties/a/default"),
        ({"properties": {"a": {"$ref": "#/$defs/c", "enum": [1]}}, "$defs": {"c": {"default": 2}}},
         "/inputSchema/properties/a"),
        ({"properties": {"a": {"format": "email", "default": "@"}}}, "/inputSchema/properties/a/default"),
        ({"properties": {"a": {"properties": {"b": {"$ref": "#/properties/a/properties/b"}}}}},
         "/inputSchema/properties/a/properties/b"),
        ({"properties": {"c": {"$ref": "#", "default": {}}}}, "/inputSchema/properties/c/default"),
        ({"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": {
            **{f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(28)}, "d28": True}},
         "/inputSchema/properties/x"),
    ],
)  # fmt: skip
def test_x6_what_would_fail_in_a_run_is_found_with_its_place(schema: dict[str, Any], pointer: str) -> None:
    assert found(workflow(inputSchema=schema)) == [("WF126", pointer)]


def test_x6_what_a_pattern_should_be_is_said() -> None:
    result = check(workflow(inputSchema={"properties": {"a": {"pattern": r"\Aabc"}}}))

    assert "^" in (result.diagnostics[0].suggestion or "")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": r"^\p{L}+(?<n>x)\k<n>$"}}, "patternProperties": {r"^\u{1F600}": True}},
        {"properties": {"a": {"$ref": "i"}}, "$id": "https://x.example/", "$defs": {"i": {"$id": "i"}}},
        {"properties": {"a": {"$ref": "#n"}, "b": {"$ref": "#/$defs/a~1b%20c"}},
         "$defs": {"n": {"$anchor": "n", "default": 1}, "a/b c": {"default": [1]}}},
        {"properties": {"a": {"default": {}, "properties": {"b": {"default": 1}}, "required": ["b"]}}},
        {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
    ],
)  # fmt: skip
def test_x6_what_the_specification_allows_is_accepted(schema: dict[str, Any]) -> None:
    assert found(workflow(inputSchema=schema)) == []
