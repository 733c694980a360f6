"""Bounds of expressions: what would grow is refused before it has grown (rules X2 and X3)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.model.expressions import CompiledTransform, ExpressionFailure, ExpressionSyntaxError

DATA: dict[str, Any] = {"data": {"s": "x" * 400_000, "xs": list(range(20_000))}}


@pytest.mark.parametrize(
    "source", ["data.xs.map(a, data.s + data.s).size() == 0", "data.xs.map(a, data.xs + data.xs) == []"]
)
def test_x2_a_sum_for_each_entry_of_a_long_list_is_refused_before_work(source: str) -> None:
    with pytest.raises(ExpressionFailure, match="for each of up to 20000 entries"):
        CompiledTransform("cel", source).evaluate(DATA)


def test_x2_sums_over_ordinary_lists_are_computed() -> None:
    rows = [{"name": f"n{number}", "v": number} for number in range(1000)]

    found = CompiledTransform("cel", "data.rows.map(r, r.name + '!')").evaluate({"data": {"rows": rows}})

    assert found[-1] == "n999!"


@pytest.mark.parametrize("pattern", [r"/(?:(?:\p{L}{500}){500}){500}/", "/(((a{100}){100}){100}){100}/"])
def test_x3_a_pattern_whose_repetitions_multiply_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as refusal:
        CompiledTransform("jsonata", f"$contains('a', {pattern})")

    assert refusal.value.kind == "size"
