"""JSON Schema in the engine (rules X6, K2)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.schemas import check_against
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.json_schema.defaults import with_defaults
from airflow_workflow_provider.model.json_schema.validation import schema_findings


def properties(**found: Any) -> dict[str, Any]:
    return {"type": "object", "properties": found}


@pytest.mark.parametrize(
    ("schema", "given", "completed"),
    [
        (properties(a={"default": 1}), {}, {"a": 1}),
        (properties(a={"default": 1}), {"a": None}, {"a": None}),
        (properties(a=properties(b={"default": 1})), {}, {}),
        (properties(a=properties(b={"default": 1})), {"a": {}}, {"a": {"b": 1}}),
        (properties(a={**properties(b={"default": 1}), "default": {}}), {}, {"a": {"b": 1}}),
        (properties(a={"type": "array", "items": properties(b={"default": 1})}), {"a": [{}]}, {"a": [{"b": 1}]}),
        (
            {"$defs": {"x": properties(b={"default": 1})}, **properties(a={"$ref": "#/$defs/x"})},
            {"a": {}},
            {"a": {"b": 1}},
        ),
        ({"allOf": [properties(a={"default": 1}), properties(b={"default": 2})]}, {}, {"a": 1, "b": 2}),
        ({"additionalProperties": properties(b={"default": 1})}, {"x": {}, "y": 2}, {"x": {"b": 1}, "y": 2}),
        ({"patternProperties": {"^x": properties(b={"default": 1})}}, {"x1": {}, "y": {}}, {"x1": {"b": 1}, "y": {}}),
        (
            {"prefixItems": [properties(a={"default": 1})], "items": properties(b={"default": 2})},
            [{}, {}, {}],
            [{"a": 1}, {"b": 2}, {"b": 2}],
        ),
        ({"prefixItems": [properties(a={"default": 1})] * 3}, [{}], [{"a": 1}]),
        ({"properties": {"a": True}, "additionalProperties": False}, {"a": 1, "c": 2}, {"a": 1, "c": 2}),
        (properties(a={"default": 1}), [1], [1]),
        ({}, {"a": 1}, {"a": 1}),
    ],
)
def test_x6_defaults_are_applied_where_the_object_around_them_is_given(schema: Any, given: Any, completed: Any) -> None:
    assert with_defaults(schema, given) == completed


def test_x6_the_given_value_and_the_schema_are_left_alone() -> None:
    schema: dict[str, Any] = properties(a={"default": {"b": []}})
    given: dict[str, Any] = {"c": {}}
    completed = with_defaults(schema, given)
    completed["a"]["b"].append(1)
    completed["c"]["d"] = 1

    assert given == {"c": {}}
    assert with_defaults(schema, {})["a"] == {"b": []}


def test_x6_a_reference_to_itself_ends() -> None:
    schema = properties(child={"$ref": "#"}, n={"default": 1})

    assert with_defaults(schema, {"child": {"child": {}}}) == {"n": 1, "child": {"n": 1, "child": {"n": 1}}}
    assert with_defaults({"$ref": "#"}, {"a": 1}) == {"a": 1}


def test_x6_every_finding_is_reported_with_its_place() -> None:
    schema = {**properties(a={"type": "number"}, b=properties(c={"format": "email"})), "required": ["d"]}

    found = schema_findings(schema, {"a": "x", "b": {"c": "y"}})

    assert sorted(each["pointer"] for each in found) == ["", "/a", "/b/c"]


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("date", "2026-01-31", "2026-02-31"),
        ("date-time", "2026-01-31T10:00:00Z", "yesterday"),
        ("uuid", "00000000-0000-5000-8000-000000000001", "1"),
        ("email", "a@example.org", "a"),
        ("uri", "https://example.org/a", "a b"),
        ("ipv4", "127.0.0.1", "127.0.0.256"),
    ],
)
def test_x6_formats_are_checked(format_: str, good: str, bad: str) -> None:
    assert schema_findings({"format": format_}, good) == []
    assert len(schema_findings({"format": format_}, bad)) == 1


@pytest.mark.parametrize(("output", "type_"), [(False, "ValidationError"), (True, "OutputError")])
def test_k2_an_input_is_a_validation_error_a_result_an_output_error(output: bool, type_: str) -> None:
    with pytest.raises(StepFailure) as caught:
        check_against({"type": "object"}, 1, "thing", output=output)

    assert caught.value.error_type == type_
    assert caught.value.details["errors"][0]["pointer"] == ""
