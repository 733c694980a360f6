"""The check of wording reads the word list, sees texts and leaves code alone."""

from __future__ import annotations

import pytest

from scripts.wording import findings, findings_in_names, findings_in_python, words

PHRASES = {"goes on": "continues", "told": "notified"}


def test_the_list_of_contributing_is_read() -> None:
    assert {"goes on", "told", "lies"} <= words().keys()
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


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ('"""It goes on."""\n', [(1, "goes on")]),
        ('"""One.\n\nIt goes\non with ``goes on``.\n"""\n', [(3, "goes on")]),
        ("told = 1  # who is told what\n", [(1, "told")]),
        ('message = f"{name} was told {what} again"\n', [(1, "told")]),
        ('told = {"told": "goes on"}\n', []),
    ],
)
def test_phrases_of_a_module_are_found_in_comments_and_texts_only(module: str, expected: list[tuple[int, str]]) -> None:
    assert [(line, phrase) for line, phrase, _ in findings_in_python(module, PHRASES)] == expected


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("def _goes_on(): ...\n", [(1, "_goes_on")]),
        ("x = 1\nclass ToldBefore: ...\n", [(2, "ToldBefore")]),
        ("NOT_TOLD = 'goes_on'\n", [(1, "NOT_TOLD")]),
        ("untold = goes_only = 1\n", []),
        ("# told\n", []),
    ],
)
def test_phrases_are_found_in_names(module: str, expected: list[tuple[int, str]]) -> None:
    assert [(line, name) for line, name, _ in findings_in_names(module, PHRASES)] == expected


@pytest.mark.parametrize("phrase", sorted(words()))
def test_each_phrase_of_the_list_is_refused(phrase: str) -> None:
    assert [found for _, found, _ in findings(f"This {phrase} that.", words())] == [phrase]
    assert [found for _, found, _ in findings_in_python(f'"""This {phrase} that."""', words())] == [phrase]
