from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_workflow_provider.model.durations import parse_duration, parse_retention


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT30S", timedelta(seconds=30)),
        ("PT5M", timedelta(minutes=5)),
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("P2D", timedelta(days=2)),
        ("P1W", timedelta(weeks=1)),
        ("P1DT12H", timedelta(days=1, hours=12)),
        ("PT1.5S", timedelta(seconds=1.5)),
        ("PT0,5H", timedelta(minutes=30)),
        ("PT0S", timedelta(0)),
        ("PT90M", timedelta(minutes=90)),
    ],
)
def test_d3_fixed_durations_are_iso_8601(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["P1Y", "P1M", "P1Y2M3DT4H"])
def test_d3_years_and_months_have_no_fixed_length(text: str) -> None:
    with pytest.raises(ValueError, match="years or months"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "PT", "P1DT", "5m", "PT5", "pt5m", "PT5M ", " PT5M", "-PT5M", "+PT5M", "PT-5M", "P1S", "PT1D", "T5M",
        "PT5M\n", "PT\u0665M", "PT1H30", "P1W2D", "P0.5Y", "5", "null", "P1Y" * 1000, "P" + "9" * 5_000_000 + "D",
        "P99999999999999D", "PT9999999999999999999999H", "36h", "P\0D",
    ],
)  # fmt: skip
def test_d3_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is|has|names") as refused:
        parse_duration(text)
    assert len(str(refused.value)) < 250

    with pytest.raises(ValueError, match=r"is|has|names"):
        parse_retention(text)


def test_d3_retention_is_calendar_arithmetic() -> None:
    leap_day = datetime(2028, 2, 29, tzinfo=UTC)

    assert leap_day - parse_retention("P1Y") == datetime(2027, 2, 28, tzinfo=UTC)
    assert leap_day - parse_retention("P1M") == datetime(2028, 1, 29, tzinfo=UTC)
    assert parse_retention("P30D") == timedelta(days=30)
