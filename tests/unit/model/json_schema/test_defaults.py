"""Where defaults come from (rule X6)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.model.json_schema.defaults import with_defaults


def has(**properties: Any) -> dict[str, Any]:
    return {"properties": properties}


DEFS = {
    "currency": {"enum": ["EUR", "USD"], "default": "EUR"},
    "address": {"$anchor": "address", **has(country={"default": "DE"})},
    "net/gross sum": has(tax={"default": 0.19}),
    "alias": {"$ref": "#/$defs/currency"},
    "line": {"$id": "line.json", **has(unit={"$ref": "#/$defs/unit"}), "$defs": {"unit": {"default": "piece"}}},
}


@pytest.mark.parametrize(
    ("schema", "given", "completed"),
    [
        (has(c={"$ref": "#/$defs/currency"}), {}, {"c": "EUR"}),
        (has(c={"$ref": "#/$defs/alias"}), {}, {"c": "EUR"}),
        (has(c={"$ref": "#/$defs/currency", "default": "USD"}), {}, {"c": "USD"}),
        (has(c={"allOf": [{"$ref": "#/$defs/currency"}]}), {}, {"c": "EUR"}),
        (has(to={"$ref": "#address"}, low={"default": 1}), {"to": {}}, {"to": {"country": "DE"}, "low": 1}),
        (has(s={"$ref": "#/$defs/net~1gross%20sum"}), {"s": {}}, {"s": {"tax": 0.19}}),
        (has(l={"$ref": "line.json"}), {"l": {}}, {"l": {"unit": "piece"}}),
        (has(p={"anyOf": [has(kind={"default": "mobile"}), {"type": "null"}]}), {"p": {}}, {"p": {"kind": "mobile"}}),
        (has(p={"oneOf": [{"const": None}, {"$ref": "#address"}]}), {"p": {}}, {"p": {"country": "DE"}}),
        (has(p={"anyOf": [{"type": "null"}, {"default": 3}]}), {}, {"p": 3}),
        (has(p={"anyOf": [has(a={"default": 1}), has(b={"default": 2})]}), {"p": {}}, {"p": {}}),
        ({"not": has(a={"default": 1}), "contains": has(a={"default": 1})}, {"x": {}}, {"x": {}}),
        ({"allOf": [has(a={"default": 1})], **has(a={"default": 2})}, {}, {"a": 2}),
        ({"dependentSchemas": {"card": has(fee={"default": 2})}}, {"card": 1}, {"card": 1, "fee": 2}),
        ({"dependentSchemas": {"card": has(fee={"default": 2})}}, {"cash": 1}, {"cash": 1}),
        (
            {
                "if": has(k={"const": "a"}),
                "then": has(z={"default": 1}),
                "else": has(z={"default": 2}),
                **has(k={"default": "b"}),
            },
            {},
            {"k": "b", "z": 2},
        ),
        ({"patternProperties": {r"^\p{L}$": {"$ref": "#address"}}}, {"ä": {}}, {"ä": {"country": "DE"}}),
        ({"patternProperties": {r"^\d$": {"$ref": "#address"}}}, {"1\n": {}}, {"1\n": {}}),
        ({**has(a=True), "unevaluatedProperties": {"$ref": "#address"}}, {"b": {}}, {"b": {"country": "DE"}}),
        ({"prefixItems": [True], "items": {"$ref": "#address"}}, [{}, {}], [{}, {"country": "DE"}]),
        (has(tree={"$ref": "#/$defs/tree"}), {"tree": {"l": {}}}, {"tree": {"n": 0, "l": {"n": 0}}}),
        ({"$dynamicRef": "#address"}, {}, {"country": "DE"}),
        ({"$ref": "#/nowhere", **has(a={"default": 1})}, {}, {}),
    ],
)  # fmt: skip
def test_x6_a_default_counts_where_its_schema_surely_applies(schema: Any, given: Any, completed: Any) -> None:
    tree = has(n={"default": 0}, l={"$ref": "#/$defs/tree"}, r={"$ref": "#/$defs/tree"})
    whole = {"$id": "https://orders.example/order.json", "$defs": {**DEFS, "tree": tree}, **schema}

    assert with_defaults(whole, given) == completed


@pytest.mark.parametrize(
    "more",
    [
        {"maxProperties": 1},
        {"not": {"required": ["a"]}},
        {"propertyNames": {"const": "x"}},
        {"allOf": [{"properties": {"x": True}, "additionalProperties": False}]},
        {"dependentRequired": {"a": ["z"]}},
        {"oneOf": [{"required": ["a"]}, {"required": ["x"]}]},
        {"enum": [{"x": 1}]},
    ],
)
def test_x6_a_value_that_fits_only_without_its_defaults_is_left_alone(more: dict[str, Any]) -> None:
    assert with_defaults({**has(a={"default": 1}), **more}, {"x": 1}) == {"x": 1}


def test_x6_defaults_without_an_end_are_bounded() -> None:
    found = with_defaults({**has(child={"$ref": "#", "default": {}})}, {})

    depth = 0
    while found:
        found, depth = found["child"], depth + 1
    assert depth == 32
