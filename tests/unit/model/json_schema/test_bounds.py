"""However a schema is built, trying it takes a bounded number of steps (rules X6, K2)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_workflow_provider.model.json_schema.defaults import with_defaults
from airflow_workflow_provider.model.json_schema.soundness import flaws
from airflow_workflow_provider.model.json_schema.validation import NO_END, TOO_MANY_STEPS, schema_findings

DOUBLING: dict[str, Any] = {
    "$ref": "#/$defs/d0",
    "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(28)} | {"d28": {"type": "object"}},
}
"""2^28 visits of one value, in 2 KB."""


def _nested(keyword: str, depth: int) -> Any:
    schema: Any = {"properties": {"a": True}}
    for _ in range(depth):
        schema = {keyword: [schema, {"required": ["a"]}], "unevaluatedProperties": False}
    return schema


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (DOUBLING, {}),
        (_nested("anyOf", 40), {"a": 1}),
        ({"items": {"anyOf": [{"const": n} for n in range(3000)]}}, list(range(100_000, 101_000))),
        ({"patternProperties": {f"^x{n}$": True for n in range(2000)}}, {f"y{n}": n for n in range(2000)}),
        ({"anyOf": [{"maxProperties": n} for n in range(900)]}, {f"long name {n}" * 5: "x" * 50 for n in range(3000)}),
    ],
)
def test_x6_too_many_steps_are_a_finding(schema: Any, value: Any) -> None:
    began = time.process_time()
    found = schema_findings(schema, value)

    assert [each["message"] for each in found] == [TOO_MANY_STEPS]
    assert time.process_time() - began < 5


def test_x6_so_many_findings_are_enough() -> None:
    schema = {**DOUBLING, "$defs": {**DOUBLING["$defs"], "d28": {"unevaluatedProperties": False}}}

    assert 1 <= len(schema_findings(schema, {"x": 1})) <= 1000


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"properties": {"a": {"not": {"$ref": "#/properties/a"}}}}])
def test_x6_a_schema_without_end_is_a_finding(schema: Any) -> None:
    assert [each["message"] for each in schema_findings(schema, {"a": 1})] == [NO_END]


@pytest.mark.parametrize(
    "loop",
    [
        {"if": True, "then": {"$ref": "#/$defs/loop"}},
        {"if": {"type": "object"}, "else": {"allOf": [{"$ref": "#/$defs/loop"}]}},
        {"dependentSchemas": {"a": {"$ref": "#/$defs/loop"}}},
    ],
)
def test_x6_a_schema_that_leads_to_itself_under_a_condition_is_a_flaw(loop: Any) -> None:
    found = flaws({"$defs": {"loop": {**loop, "default": {"a": 1}}}}, 1)

    assert [flaw.path for flaw in found] == [("$defs", "loop")]
    assert "without end" in found[0].message


def test_x6_a_tree_under_a_condition_has_an_end() -> None:
    tree = {"if": {"type": "object"}, "then": {"properties": {"child": {"$ref": "#"}}}, "default": {"child": 1}}

    assert flaws(tree, 1) == []


def test_x6_unique_items_are_found_in_linear_time() -> None:
    began = time.process_time()
    value = [{"id": n, "of": [n]} for n in range(20_000)]

    assert schema_findings({"uniqueItems": True}, value) == []
    assert schema_findings({"uniqueItems": True}, [*value, {"of": [7.0], "id": 7}]) != []
    # Numbers of one remainder have one hash in Python, which makes a plain set of them slow.
    assert schema_findings({"uniqueItems": True}, [n * (2**61 - 1) for n in range(20_000)]) == []
    assert time.process_time() - began < 5


def test_x6_defaults_of_a_doubling_schema_take_no_time() -> None:
    schema = {**DOUBLING, "$defs": {**DOUBLING["$defs"], "d28": {"properties": {"z": {"default": 1}}}}}

    assert with_defaults(schema, {}) == {"z": 1}


def test_x6_slow_patterns_are_a_finding() -> None:
    schema = {"items": {"pattern": r"^(?:(a|b|ab)*)*\1$(?!x)"}}

    found = schema_findings(schema, ["ab" * 3000 + "!"] * 100)

    assert [each["message"] for each in found] == [TOO_MANY_STEPS]


ENDLESS: dict[str, Any] = {
    "a dynamic reference": {"$dynamicAnchor": "n", "allOf": [{"$dynamicRef": "#n"}]},
    "a reference": {"$anchor": "n", "allOf": [{"$ref": "#n"}]},
    "two references": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#"}]}}},
    "unevaluated": {"unevaluatedProperties": False, "oneOf": [{"$ref": "#"}]},
    "negation": {"$dynamicAnchor": "n", "not": {"$dynamicRef": "#n"}},
    "a condition": {"$dynamicAnchor": "n", "if": {"$dynamicRef": "#n"}},
}


@pytest.fixture(params=[1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def stack(request: pytest.FixtureRequest) -> Iterator[int]:
    """Python's limit of the stack: its default, and the one that importing the evaluator of JSONata sets."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(request.param)
    yield request.param
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("name", ENDLESS)
def test_x6_a_schema_without_end_is_a_finding_however_deep_it_is_asked_for(name: str, stack: int) -> None:
    def from_depth(depth: int) -> Any:
        return from_depth(depth - 1) if depth else schema_findings(ENDLESS[name], {"a": {}})

    # Python's own limit would be met at another place each time, some of them in libraries that panic then.
    # With the larger stack each depth takes a second of processor time.
    for depth in range(0, 60, 3) if stack == 1_000 else (0, 31):
        assert [each["message"] for each in from_depth(depth)] == [NO_END]
