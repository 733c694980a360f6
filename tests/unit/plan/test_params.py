"""Params from inputSchema."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.plan.params import REQUIRED, params_of, without_blanks


def schema(properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), **more}


def test_a_required_property_has_no_default() -> None:
    assert params_of(schema({"a": {"type": "integer"}}, "a")) == {"a": (REQUIRED, {"type": "integer"})}


def test_an_optional_property_may_be_left_empty() -> None:
    found = params_of(schema({"a": {"type": "integer"}, "e": {"type": "string", "enum": ["x"]}, "o": {"const": 1}}))
    assert found["a"] == (None, {"type": ["integer", "null"]})
    assert found["e"] == (None, {"type": ["string", "null"], "enum": ["x", None]})
    assert found["o"] == (None, {"anyOf": [{"const": 1}, {"type": "null"}]})


def test_a_default_is_the_params_default() -> None:
    assert params_of(schema({"a": {"type": "integer", "default": 3}})) == {"a": (3, {"type": "integer"})}


def test_references_are_taken_out() -> None:
    definitions = {
        "money": {"type": "object", "properties": {"of": {"$ref": "#/$defs/currency"}}},
        "currency": {"enum": ["EUR"]},
    }
    found = params_of(schema({"m": {"$ref": "#/$defs/money"}}, "m", **{"$defs": definitions}))
    assert found["m"][1] == {"type": "object", "properties": {"of": {"enum": ["EUR"]}}}


def test_what_refers_to_itself_is_left_unchecked() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}, "right": {"$ref": "#/$defs/tree"}}}
    found = params_of(schema({"t": {"$ref": "#/$defs/tree"}}, "t", **{"$defs": {"tree": tree}}))
    assert found["t"][1]["properties"] == {"left": {}, "right": {}}


def test_references_that_double_at_every_level_stay_small() -> None:
    levels: dict[str, Any] = {
        f"d{n}": {"type": "array", "prefixItems": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)
    }
    found = params_of(schema({"a": {"$ref": "#/$defs/d0"}}, "a", **{"$defs": levels}))
    assert found["a"][1]["type"] == "array"


@pytest.mark.parametrize("given", [{}, {"properties": None}, {"properties": {"a": True}}, {"properties": {"a": False}}])
def test_odd_schemas_give_params_that_take_anything(given: dict[str, Any]) -> None:
    assert all(part == {} for _, part in params_of(given).values())


def test_the_nulls_of_an_empty_form_are_no_input() -> None:
    found = schema({"a": {"type": "string"}, "n": {"type": ["string", "null"]}, "r": {"type": "string"}}, "r")
    assert without_blanks(found, {"a": None, "n": None, "r": None, "other": None}) == {
        "n": None, "r": None, "other": None
    }  # fmt: skip
