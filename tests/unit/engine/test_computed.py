"""What the expressions of a step's settings may give, and what is refused (rules F3, P4)."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from airflow_workflow_provider.engine.computed import Computed, exact
from airflow_workflow_provider.errors import StepFailure

REFUSED: list[Any] = [None, True, "5", "", [], {}, -1, -0.5, float("nan"), float("inf"), -float("inf"), 10**400, 1e300]


def computed(value: Any) -> Computed:
    return Computed("forEach/maxConcurrency", "input.n", value)


@pytest.mark.parametrize(("value", "number"), [(1, 1), (40, 40), (3.0, 3), (1_000_000, 1_000_000)])
def test_p4_whole_numbers(value: Any, number: int) -> None:
    found = computed(value).whole_number(1, 1_000_000)

    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize("value", [*REFUSED, 0, 1.5, 1_000_001], ids=repr)
def test_p4_what_is_no_whole_number_in_bounds_is_refused(value: Any) -> None:
    with pytest.raises(StepFailure) as caught:
        computed(value).whole_number(1, 1_000_000)

    assert (caught.value.error_type, caught.value.error_code) == ("ExpressionError", "invalid-setting")
    assert caught.value.details.keys() == {"expression", "at", "value"}
    assert caught.value.details["at"] == "forEach/maxConcurrency"
    assert str(caught.value).startswith("forEach/maxConcurrency must give a whole number from 1 to 1,000,000, not ")


@pytest.mark.parametrize(
    ("value", "share"), [(0, 0), (100, 100), (33.3, Fraction(333, 10)), (1e-7, Fraction(1, 10**7)), (5e-324, 0)]
)
def test_p4_percentages_are_exact(value: Any, share: Any) -> None:
    assert computed(value).percentage() == (share or exact(value))


@pytest.mark.parametrize("value", [*REFUSED, 100.0001, 101], ids=repr)
def test_p4_what_is_no_percentage_is_refused(value: Any) -> None:
    with pytest.raises(StepFailure, match="must give a number from 0 to 100") as caught:
        computed(value).percentage()

    assert caught.value.error_code == "invalid-setting"


@pytest.mark.parametrize(
    ("value", "length"), [("PT30S", timedelta(seconds=30)), ("P1DT0.5S", timedelta(days=1, seconds=0.5))]
)
def test_f3_durations(value: Any, length: timedelta) -> None:
    assert computed(value).duration() == length


@pytest.mark.parametrize(
    "value",
    [*REFUSED, 30, "PT0S", "-PT5S", "P1M", "PT", "30 seconds", "PT" + "9" * 100 + "S", "P99999999999D"],
    ids=repr,
)
def test_f3_what_is_no_duration_is_refused(value: Any) -> None:
    with pytest.raises(StepFailure, match="must give an ISO 8601 duration above zero") as caught:
        computed(value).duration()

    assert caught.value.error_code == "invalid-setting"
    assert len(str(caught.value)) < 300
