"""Rules X2 and X3 for any expression: it is refused, fails, or gives JSON, and nothing else happens."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.model.expressions import (
    X1_NAMES,
    CompiledTransform,
    ExpressionFailure,
    ExpressionSyntaxError,
    compile_cel,
    compile_condition,
)

BINDINGS: dict[str, Any] = {
    **dict.fromkeys(X1_NAMES),
    "data": {"a": 1, "b": [1, 2.5, None, "x"], "c": {"d": True}, "t": "text"},
    "steps": {"s": {"output": {}}},
}


def _words(text: str) -> list[str]:
    return text.split()


TOKENS = st.sampled_from(
    [
        *_words("""
    data data.a data.b data.c.d data.t steps . [ ] ( ) { } && || ! == != < > + - * / % ? : , 'x' "y" 1 2.5
    null true in has( size( $ $$ @ & ^ | ~> := ; $sum( $map( function($v){ $string( #$i `1` length(
    to_string( sort( // /* */ \\ é b'z' duration('1s') timestamp( map(x,x ** /a/ [0] [*] .. and or $replace(
    $match( $uuid() $split( $merge( $sort(
"""),
        " ",
        "\n",
    ]
)
SOURCES = st.lists(TOKENS, min_size=1, max_size=12).map("".join) | st.text(max_size=30)


REFUSALS = (ExpressionSyntaxError, ExpressionFailure)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(SOURCES)
def test_x2_any_condition_is_refused_fails_or_holds_or_not(source: str) -> None:
    with contextlib.suppress(*REFUSALS):
        assert compile_condition(source).holds(BINDINGS) in {True, False}
    with contextlib.suppress(*REFUSALS):
        json.dumps(compile_cel(source).evaluate(BINDINGS), allow_nan=False)


@pytest.mark.parametrize("kind", ["jmespath", "jsonata"])
def test_x3_any_transform_is_refused_fails_or_gives_json(kind: Any) -> None:
    @settings(max_examples=1500, deadline=None, derandomize=True)
    @given(SOURCES)
    def hold(source: str) -> None:
        before = json.dumps(BINDINGS)
        with contextlib.suppress(*REFUSALS):
            value = CompiledTransform(kind, source).evaluate(BINDINGS)
            json.dumps(value, allow_nan=False)
        assert json.dumps(BINDINGS) == before

    hold()


EDGES = [sign * (2**power + step) for power in (53, 63, 64, 70, 71, 100) for step in (-1, 0, 1) for sign in (1, -1)]
NUMBERS = (
    st.sampled_from(EDGES + [float(each) for each in EDGES])
    | st.integers(-(2**72), 2**72)
    | st.floats(allow_nan=False, allow_infinity=False)
)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(NUMBERS, NUMBERS)
def test_x2_numbers_are_equal_if_they_are_the_same_and_ordered_as_they_are(left: float, right: float) -> None:
    def of(source: str) -> Any:
        return compile_cel(source).evaluate({"data": {"a": left, "b": right}})

    same = left == right  # Python compares whole numbers with doubles exactly
    assert of("[data.a == data.b, data.a != data.b, data.a in [data.b], [data.a] == [data.b]]") == [
        same, not same, same, same
    ]  # fmt: skip
    assert of("[data.a, data.b]") == [left, right]
    for sign, wanted in (("<", left < right), (">=", left >= right)):
        with contextlib.suppress(ExpressionFailure):
            assert of(f"data.a {sign} data.b") == wanted
    if isinstance(left, int) and -(2**63) <= left < 2**64:
        assert of("string(data.a)") == str(left)
