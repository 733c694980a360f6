"""Defaults and schemas, over many of both (rule X6)."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.model.json_schema.defaults import with_defaults
from airflow_workflow_provider.model.json_schema.numbers import is_multiple
from airflow_workflow_provider.model.json_schema.soundness import flaws
from airflow_workflow_provider.model.json_schema.validation import fits, schema_findings

NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "b", ""]))
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
PLAIN = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({}, optional={"type": st.sampled_from(["object", "array", "integer", "string", "null"])}),
    st.fixed_dictionaries({"default": VALUES}),
    st.sampled_from([{"$ref": "#/$defs/x"}, {"$ref": "#y"}, {"$ref": "#/$defs/z%20z"}]),
    st.fixed_dictionaries({"enum": st.lists(VALUES, min_size=1, max_size=3)}),
)


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(NAMES, inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "properties": named,
            "patternProperties": st.dictionaries(st.sampled_from(["^a$", "[bc]"]), inner, max_size=2),
            "additionalProperties": inner,
            "unevaluatedProperties": inner,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "maxProperties": st.integers(0, 3),
            "dependentSchemas": named,
            "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
            "propertyNames": st.sampled_from([True, {"enum": ["a", "b"]}]),
            "allOf": several,
            "anyOf": several,
            "oneOf": several,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "items": inner,
            "prefixItems": several,
            "contains": inner,
            "uniqueItems": st.booleans(),
            "default": VALUES,
        },
    )


SCHEMAS = st.recursive(PLAIN, combined, max_leaves=12)


@given(schema=SCHEMAS, x=SCHEMAS, y=SCHEMAS, z=SCHEMAS, value=VALUES)
@settings(max_examples=400, deadline=None)
def test_x6_a_value_that_fits_continues_to_fit_with_its_defaults(
    schema: Any, x: Any, y: Any, z: Any, value: Any
) -> None:
    anchored = {**(y if isinstance(y, dict) else {}), "$anchor": "y"}
    whole = {**(schema if isinstance(schema, dict) else {}), "$defs": {"x": x, "y": anchored, "z z": z}}
    before = copy.deepcopy(value)

    completed = with_defaults(whole, value)

    assert value == before
    assert with_defaults(whole, value) == completed
    # A schema whose defaults do not fit it is refused with its definition.
    if fits(whole, value) and not flaws(whole, 1):
        assert schema_findings(whole, completed) == []


@given(unit=st.integers(1, 10**6), places=st.integers(0, 12), count=st.integers(-(10**9), 10**9))
@settings(max_examples=300, deadline=None)
def test_x6_a_number_of_decimals_is_a_multiple_of_its_unit(unit: int, places: int, count: int) -> None:
    divisor = float(f"{unit}e-{places}")
    text = f"{unit * count}e-{places}"
    # With more digits a double is another number.
    if len(str(abs(unit * count))) <= 15:
        assert is_multiple(float(text), divisor)
