"""Patterns as ECMA-262 reads them, in linear time (rule X6)."""

from __future__ import annotations

import time

import pytest

from airflow_workflow_provider.model.json_schema import patterns
from airflow_workflow_provider.model.json_schema.patterns import PatternError, PatternTimeout, compile_pattern


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("(?P<name>a)", "(?<name>"),
        (r"(?P<n>a)(?P=n)", "(?<name>"),
        ("(?i)abc", "[aA]"),
        ("(?i:abc)", "[aA]"),
        (r"\Aabc", "^"),
        (r"abc\Z", "$"),
        ("a++", "remove the +"),
        ("(?>ab)", "(?:"),
        ("(?#note)a", "comment"),
        (r"a\-b", "without the backslash"),
    ],
)
def test_x6_what_only_python_knows_is_refused_with_advice(source: str, advice: str) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(source)

    assert advice in (caught.value.suggestion or "")


@pytest.mark.parametrize(
    "source", ["(", "[z-a]", "a{3,2}", r"\p{Nonsense}", r"\u{110000}", "(?=a)*", r"\k<a>", "\ud800", "*"]
)
def test_x6_a_text_that_is_no_pattern_is_refused(source: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(source)


@pytest.mark.parametrize(
    "source",
    [
        r"(?:(?:\p{L}{500}){500}){500}",
        "(?=(?:(?:[ab]{900}){900}){900})",
        "(" * 3000 + ")" * 3000,
        "a" * 20_000,
        "(?:" * 90 + "a{9}" + "){9}" * 90,
    ],
)
def test_x6_a_pattern_that_would_take_much_memory_is_refused_at_once(source: str) -> None:
    began = time.process_time()

    with pytest.raises(PatternError):
        compile_pattern(source)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "source", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", r"^(?:\w+\s?)*$", "^(.*a){20}$", "^([a-z]+)*@$"]
)
def test_x6_a_search_takes_time_linear_in_the_text(source: str) -> None:
    pattern = compile_pattern(source)
    began = time.process_time()

    assert pattern.linear
    assert not pattern.search("a" * 100_000 + "!")
    assert time.process_time() - began < 5


def test_x6_a_search_that_looks_back_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "PATIENCE_SECONDS", 0.05)
    pattern = compile_pattern(r"^(?:(a|b|ab)*)*\1$(?!x)")

    assert not pattern.linear
    with pytest.raises(PatternTimeout):
        pattern.search("ab" * 3000 + "!")


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        (r"\1(a)", "a", True),
        (r"^(a\1)$", "a", True),
        (r"^(?:(a)|b)\1$", "b", True),
        (r"^(?:(?<x>a)|(?<x>b))\k<x>$", "bb", True),
        (r"(?<!\d)\d{2}\b", "x12 ", True),
        (r"^\Ba", "a", False),
        (r"(?=\bé)", "é", False),
        (r"^(?=\uD83D\uDE00)", "😀", True),
        (r"^[^\s\S]?$(?=)", "", True),
        ("a{0}b", "b", True),
        ("", "anything", True),
        (r"^\ud83d$", "\ud83d", True),
        (r"^\p{scx=Grek}+$", "αβγ", True),
        (r"^\p{Alphabetic}\P{Alphabetic}$", "é1", True),
    ],
)
def test_x6_both_engines_mean_the_same(source: str, text: str, found: bool) -> None:
    assert compile_pattern(source).search(text) is found
