"""Secrets that overlap each other in a text (rule L4)."""

from __future__ import annotations

import time
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.engine.secret_texts import MASK, SecretTexts


@pytest.mark.parametrize(
    ("secrets", "text", "left"),
    [
        (["abcdef", "defghi"], "x abcdefghi y", "x *** y"),
        (["abcdef", "defghi", "hijkl"], "abcdefghijkl!", "***!"),
        (["abcdefgh", "cdef", "efghijk"], "-abcdefghijk-", "-***-"),
        (["abcd", "abcdefgh"], "abcdefgh abcd", "*** ***"),
        (["abab"], "abababab", "***"),
        (["abcd", "efgh"], "abcdefgh", "******"),
        (["käse!", "se!x"], "1 käse!x 2", "1 *** 2"),
    ],
)
def test_l4_nothing_of_an_overlapping_secret_stays(secrets: list[str], text: str, left: str) -> None:
    for order in permutations(secrets):
        assert SecretTexts(order).masked(text) == left


@given(st.lists(st.text("ab", min_size=4, max_size=7), min_size=1, max_size=4), st.text("abc", max_size=40))
def test_l4_what_is_left_stood_in_no_secret(secrets: list[str], text: str) -> None:
    hidden = set()
    for secret in secrets:
        hidden |= {at + n for at in range(len(text)) if text.startswith(secret, at) for n in range(len(secret))}
    kept = "".join(character for place, character in enumerate(text) if place not in hidden)
    assert SecretTexts(secrets).masked(text).replace(MASK, "") == kept


def test_l4_many_overlaps_are_masked_whole_and_soon() -> None:
    secrets = ["a" * length for length in range(4, 200)]
    began = time.process_time()
    assert SecretTexts(secrets).masked("a" * 100_000 + " end").count("a") == 0
    assert time.process_time() - began < 5
