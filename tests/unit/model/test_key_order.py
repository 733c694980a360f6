"""The order in which an author wrote the keys of a document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_workflow_provider.model.key_order import in_order_of, written_forms


@pytest.mark.parametrize(
    ("value", "written", "found"),
    [
        ({"a": 1, "b": 2}, {"b": 0, "a": 0}, '{"b": 2, "a": 1}'),
        ({"a": 1, "c": 3, "b": 2}, {"b": 0, "x": 0}, '{"b": 2, "a": 1, "c": 3}'),
        ({"a": {"y": 1, "x": 2}}, {"a": {"x": 0, "y": 0}}, '{"a": {"x": 2, "y": 1}}'),
        ([{"y": 1, "x": 2}, {"b": 1, "a": 2}], [{"x": 0, "y": 0}], '[{"x": 2, "y": 1}, {"b": 1, "a": 2}]'),
        ([1], [{"x": 0}, 2], "[1]"),
        ({"a": 1}, None, '{"a": 1}'),
        ({"a": 1}, [1], '{"a": 1}'),
        ("text", {"a": 1}, '"text"'),
        (None, {"a": 1}, "null"),
    ],
)
def test_a_value_keeps_its_content_and_takes_the_order(value: Any, written: Any, found: str) -> None:
    assert json.dumps(in_order_of(value, written)) == found


def test_forms_are_found_in_branches_and_items() -> None:
    form = {"stepId": "f", "arguments": {"schema": {"b": 1, "a": 2}}}
    document = {"steps": [{"stepId": "s", "parallelBranches": [{"steps": [form]}]}, {"stepId": "t", "arguments": {}}]}

    assert list(written_forms(document)) == [("f", {"b": 1, "a": 2})]
