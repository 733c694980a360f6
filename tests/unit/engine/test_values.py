"""Values that cross the engine's border (rule X5)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.values import json_object, same
from airflow_workflow_provider.errors import StepFailure


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (None, {}),
        ({}, {}),
        ({"a": [1, 2.5, True, None, "ä"]}, {"a": [1, 2.5, True, None, "ä"]}),
        (5, {"value": 5}),
        ("x", {"value": "x"}),
        (False, {"value": False}),
        ([], {"value": []}),
        ((1, 2), {"value": [1, 2]}),
        ({"value": 1}, {"value": 1}),
    ],
)
def test_x5_an_object_is_kept_and_anything_else_wrapped(raw: Any, kept: Any) -> None:
    assert json_object(raw, max_bytes=1000) == kept


@pytest.mark.parametrize(
    "raw",
    [
        {"a": object()},
        {1: "a key that is not a text"},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": b"bytes"},
        {"a": {1, 2}},
        {"a": "\x00"},
        {"\x00": 1},
        {"a": "\ud800"},
        nested(5_000),
    ],
)
def test_x5_what_is_not_json_or_cannot_be_stored_is_an_output_error(raw: Any) -> None:
    with pytest.raises(StepFailure) as caught:
        json_object(raw, max_bytes=100_000)

    assert caught.value.error_type == "OutputError"


def test_x5_a_value_that_holds_itself_is_an_output_error() -> None:
    raw: list[Any] = []
    raw.append(raw)

    with pytest.raises(StepFailure) as caught:
        json_object(raw, max_bytes=1000)
    assert caught.value.error_type == "OutputError"


def test_x5_the_bound_counts_bytes_as_utf_8() -> None:
    assert json_object({"a": "x" * 89}, max_bytes=98) == {"a": "x" * 89}
    with pytest.raises(StepFailure) as caught:
        json_object({"a": "ä" * 89}, max_bytes=98)
    assert caught.value.error_type == "OutputTooLarge"
    assert caught.value.details == {"bytes": 187, "maxBytes": 98}


def test_x5_what_is_kept_is_a_copy() -> None:
    raw = {"a": [1]}
    kept = json_object(raw, max_bytes=100)
    raw["a"].append(2)

    assert kept == {"a": [1]}


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (1, True, False),
        (0, False, False),
        ([1], [True], False),
        (None, False, False),
        ("1", 1, False),
    ],
)
def test_x1_true_is_no_number(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) is equal
