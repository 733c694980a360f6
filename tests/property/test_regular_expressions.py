"""What matches, and what groups capture, against a backtracking engine of ECMA-262 (rule X3)."""

from __future__ import annotations

import re

import regress
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.model.json_schema.pattern_captures import CapturingPattern

ATOMS = [
    "a", "b", "k", ".", r"\d", r"\w", r"\s", r"\W", "[ab]", "[^a]", r"[^\n]", r"[\d-x]", r"\b", r"\B", "^", "$", r"\n",
    r"\r", r"\x61", "{", "]", r"\-", "é",
]  # fmt: skip
QUANTIFIERS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{1,}"]


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        inner.map("({})".format),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(QUANTIFIERS)).map(lambda two: f"(?:{two[0]}){two[1]}"),
    )


PATTERN = st.recursive(st.sampled_from(ATOMS), larger, max_leaves=6)
TEXT = st.text(st.sampled_from("aabbkKAé1 x-\n\r\u2028_{]ü"), max_size=8)


def reference(pattern: str, flags: str, text: str) -> list[tuple[int, int, list[str | None]]]:
    data = text.encode()

    def part(span: slice | None) -> str | None:
        return None if span is None else data[span].decode()

    found: list[tuple[int, int, list[str | None]]] = []
    for match in regress.Regex(pattern, flags).find_iter(text):
        start, end = (len(data[:place].decode()) for place in (match.range().start, match.range().stop))
        groups = [part(match.group(number)) for number in range(1, len(re.findall(r"\((?!\?)", pattern)) + 1)]
        found.append((start, end, groups))
        if start == end or match.range().stop == len(data):
            break
    return found


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PATTERN, st.sampled_from(["", "i", "m", "im"]), TEXT)
def test_x3_a_search_finds_what_the_reference_finds(pattern: str, flags: str, text: str) -> None:
    compiled = CapturingPattern(pattern, ignore_case="i" in flags, multiline="m" in flags, patience=2)
    found = []
    for match in compiled.matches(text):
        found.append((match.start, match.end, list(match.groups)))
        if not match.text:
            break
    assert found == reference(pattern, flags, text)
