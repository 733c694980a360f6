"""A share of the fuzzing for every change; ``make fuzz`` does more."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.model.expressions import ExpressionSyntaxError, compile_cel
from tests.fuzz.cases import MOST_MEMORY, Tally, fuzz, memory
from tests.fuzz.targets import TARGETS

CASES = 250


@pytest.mark.parametrize("target", list(TARGETS))
def test_nothing_crashes_or_hangs(target: str) -> None:
    before = memory()
    assert list(fuzz(target, range(CASES), Tally())) == []
    assert memory() - before < MOST_MEMORY


@pytest.mark.parametrize(
    "source", ["data.x + (" + "(" * 60, "[" * 60 + "1 + data.a", "has(data.a" + "(" * 60 + ") ? 1 : 2"]
)
def test_what_is_nested_too_deeply_and_not_closed_is_refused(source: str) -> None:
    with pytest.raises(ExpressionSyntaxError, match="nested too deeply"):
        compile_cel(source)
