"""Conditions on the input are a small language; nothing else gets through."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.jsonpath import InputCondition, parse_condition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$.a", InputCondition(("a",))),
        ("$.a.b[0].c", InputCondition(("a", "b", 0, "c"))),
        ('$."a b"."c.d"', InputCondition(("a b", "c.d"))),
        ("$.a == 1", InputCondition(("a",), "==", 1)),
        ("$.a>=1.5", InputCondition(("a",), ">=", 1.5)),
        ('$.a != "x\\"y"', InputCondition(("a",), "!=", 'x"y')),
        ("$.a == null", InputCondition(("a",), "==", None)),
        ("$.a == true ", InputCondition(("a",), "==", True)),
        ("$.größe < 3", InputCondition(("größe",), "<", 3)),
    ],
)
def test_conditions_are_read(text: str, expected: InputCondition) -> None:
    assert parse_condition(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "$",
        "$ == 1",
        "$.*",
        "$.**",
        "$.a ? (@ > 1)",
        "$.a == 1 && 1 == 1",
        "$.a == [1]",
        "$.a == {}",
        "$.a == NaN",
        "$.a == 1e999",
        "$.a == 'x'",
        '$.a == "\\u0000"',
        '$."\\u0000"',
        '$."\\ud800"',
        "$.a == x",
        "$.a =",
        "$.a.type()",
        "$[*]",
        "$[9999999]",
        "$.a'; DROP TABLE workflow_instances; --",
        "$." + "a" * 500,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(Misuse) as caught:
        parse_condition(text)
    assert caught.value.code == "bad-filter"


def test_names_leave_positions_out() -> None:
    assert parse_condition("$.lines[0].sku").names == ("lines", "sku")
