"""The check of wording reads the word list, sees texts and leaves code alone."""

from __future__ import annotations

import pytest

from scripts.wording import findings, words

PHRASES = {"goes on": "continues", "told": "notified"}


def test_the_list_of_contributing_is_read() -> None:
    assert {"goes on", "told", "mended"} <= words().keys()
    assert all(words().values())


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("It goes on.", [(1, "goes on")]),
        ("First.\n\nIt Goes\non.", [(3, "goes on")]),
        ("He was told that it goes on", [(1, "told"), (1, "goes on")]),
        ("The column `told` and `goes on`.", []),
        ('```json\n{"told": true}\n```\n', []),
        ("[here](told.md) and untold", []),
        ("    told, as the program prints it\n", []),
    ],
)
def test_phrases_are_found_in_text_only(page: str, expected: list[tuple[int, str]]) -> None:
    assert [(line, phrase) for line, phrase, _ in findings(page, PHRASES)] == expected
