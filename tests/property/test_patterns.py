"""Rule E1 against a matcher that is obviously right and slow."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.model.patterns import candidates, matches, shape_of

SEGMENT = st.sampled_from(["a", "b", "x", ""])
TYPE = st.lists(SEGMENT, min_size=1, max_size=7).map(".".join)
PATTERN = st.lists(SEGMENT | st.sampled_from(["*", "**"]), min_size=1, max_size=7).map(".".join)


def reference(pattern: str, event_type: str) -> bool:
    """A regular expression over the type with a dot before each segment."""
    parts = {"**": r"(\.[^.]*)*", "*": r"\.[^.]*"}
    expression = "".join(parts.get(token, re.escape(f".{token}")) for token in pattern.split("."))
    return re.fullmatch(expression, f".{event_type}") is not None


@given(PATTERN, TYPE)
def test_e1_matching_is_what_the_reference_says(pattern: str, event_type: str) -> None:
    assert matches(pattern, event_type) is reference(pattern, event_type)


@given(st.lists(PATTERN, max_size=8), TYPE)
def test_e1_the_candidates_are_exactly_the_patterns_that_match(patterns: list[str], event_type: str) -> None:
    shapes = {shape for pattern in patterns if (shape := shape_of(pattern)) is not None}
    found = candidates(event_type, shapes)
    assert {pattern for pattern in patterns if pattern in found} == {
        pattern for pattern in patterns if reference(pattern, event_type)
    }
    assert all(reference(pattern, event_type) for pattern in found)
