"""Regular expressions of JSONata mean what ECMA-262 says, on any text, in linear time (rule X3)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_workflow_provider.model.expressions import CompiledTransform, ExpressionFailure, ExpressionSyntaxError
from airflow_workflow_provider.model.json_schema.pattern_captures import CapturingPattern


def value(expression: str, text: Any = None) -> Any:
    return CompiledTransform("jsonata", expression).evaluate({"t": text})


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("/^x$/", "x\n", False),
        ("/^x$/m", "x\n", True),
        ("/^x$/m", "y\r\nx\r\nz", True),
        ("/x$/m", "x\u2028y", True),
        ("/^y/m", "x\u2029y", True),
        ("/^y/m", "x\u0085y", False),
        (r"/^\d+$/", "٣", False),
        (r"/^\d+$/", "42", True),
        (r"/^\w+$/", "é", False),
        (r"/^\s$/", "\ufeff", True),
        (r"/^\s$/", "\u0085", False),
        (r"/^\s$/", "\x1c", False),
        (r"/\bé/", "aé", True),
        (r"/\Bb/", "éb", False),
        ("/^.$/", "\u2028", False),
        ("/^.$/", "\r", False),
        ("/^.$/", "\u0085", True),
        ("/^.$/", "😀", True),
        ("/^[^]$/", "\n", True),
        ("/[]/", "a", False),
        ("/k/i", "\u212a", False),
        ("/s/i", "\u017f", False),
        ("/É/i", "é", True),
        ("/^ß$/i", "ẞ", False),
        ("/^[^k]$/i", "K", False),
        ("/ς/i", "Σ", True),
        (r"/^\cJ$/", "\n", True),
        (r"/^a{,2}$/", "a{,2}", True),
        (r"/^\x4$/", "x4", True),
        (r"/^\101$/", "A", True),
        (r"/^(a)\2$/", "a\x02", True),
        (r"/^[\d-x]+$/", "1-x", True),
        (r"/^(?<year>\d{4})-\k<year>$/", "2024-2024", True),
        (r"/^(?<year>\d{4})-\k<year>$/", "2024-2025", False),
        (r"/(a)\1/i", "aA", True),
        (r"/(?<=€)\d+/", "€5", True),
        (r"/(?<!€)\b5/", "€5", False),
        (r"/^\p{L}+$/", "éß", True),
        (r"/^\u{1F600}$/", "😀", True),
        (r"/^\ud83d\ude00$/", "😀", True),
    ],
)
def test_x3_a_regular_expression_means_what_ecma_262_says(pattern: str, text: str, *, holds: bool) -> None:
    assert value(f"$contains(t, {pattern})", text) is holds


@pytest.mark.parametrize(
    ("expression", "text", "result"),
    [
        (r"$match(t, /(?:(a)|(b))+/).groups", "ab", [None, "b"]),
        (r"/(a*)*/(t).groups", "b", [None]),
        (r"$match(t, /(z)((a+)?(b+)?(c))*/).groups", "zaacbbbcac", ["z", "ac", "a", None, "c"]),
        (r"$match(t, /(|a)+b/)[0].match", "aab", "aab"),
        (r"$match(t, /x/)[0].index", "😀éx", 2),
        (r"$match(t, /^\w+$/m).match", "a\r\nb\rc", ["a", "b", "c"]),
        (r"$match(t, /^.+$/m)[1].index", "ab\r\ncd", 4),
        (r"$replace(t, /^b$/m, 'x')", "a\r\nb\r\nc", "a\r\nx\r\nc"),
        (r"$replace(t, /(?<first>\w+) (\w+)/, '$2 $1')", "ada lovelace", "lovelace ada"),
        (r"$replace(t, /\s+/, ' ')", "a\u00a0\ufeffb", "a b"),
        (r"$replace(t, /$/, '.')", "", None),
        (r"$split(t, /\s*;\s*/)", "a ; b;c", ["a", "b", "c"]),
        (r"$split(t, /😀/)", "é😀b", ["é", "b"]),
        (r"/b/(t).start", "ab", 1),
        (r"/b/(t).next().start", "abb", 2),
        (r"/z/(t)", "ab", None),
        (r"t ~> /(.)b/i ~> function($m) { $m.groups[0] }", "xaB", "a"),
        (r"$match(t, /\d(?=(?:\d{3})+$)/).match", "1234567", ["1", "4"]),
        (r"$replace(t, /(?=b)b/, 'x')", "ab", "ax"),
    ],
)
def test_x3_what_matches_is_what_ecma_262_says(expression: str, text: str, result: Any) -> None:
    if expression.startswith("$replace(t, /$/"):
        with pytest.raises(ExpressionFailure, match="matches the empty text"):
            value(expression, text)
        return
    assert value(expression, text) == result


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("/(?P<x>a)/", "(?<name>"),
        ("/(?i)a/", "last slash"),
        (r"/\Aa/", "write ^"),
        (r"/a\Z/", "write $"),
        (r"/a\h/", "[ \\t]"),
        ("/(?>a)b/", "plain group"),
        ("/a++/", "quantifier"),
        ("/(?#note)a/", "comment"),
        (r"/\aa/", "write a"),
    ],
)
def test_x3_what_other_languages_know_is_refused_with_a_suggestion_and_runs_where_it_was_stored(
    pattern: str, words: str
) -> None:
    transform = CompiledTransform("jsonata", f"$contains(t, {pattern})")
    flaw = transform.flaw()
    assert flaw is not None
    assert words in f"{flaw.message} {flaw.suggestion}"
    assert transform.evaluate({"t": "\x1bab \ta"}) in (True, False)


@pytest.mark.parametrize("pattern", ["/(/", "/[/", "/a{2,1}/", r"/(?<n>a)\k<m>/", "/*/"])
def test_x3_what_no_language_knows_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionSyntaxError):
        CompiledTransform("jsonata", f"$contains(t, {pattern})")


@pytest.mark.parametrize(
    "pattern",
    ["/(a+)+$/", "/(.*a){12}$/", r"/^(\w+\s?)*$/", "/^(([a-z])+.)+[A-Z]([a-z])+$/", "/(a*)*b/m"],
)
def test_x3_the_time_of_a_search_is_linear_in_the_text(pattern: str) -> None:
    began = time.process_time()
    assert value(f"$contains(t, {pattern})", "a" * 5_000 + "!\r\n!") is False
    assert time.process_time() - began < 1


@pytest.mark.slow
def test_x3_one_that_looks_back_has_a_limit_of_time() -> None:
    with pytest.raises(ExpressionFailure, match="seconds"):
        value(r"$contains(t, /^(?:(a|b|ab)*)*\1$(?!x)/)", "ab" * 3000 + "!")


@pytest.mark.parametrize("pattern", ["/((a{100}){100}){100}/", "/" + "(" * 200 + "a" + ")" * 200 + "/"])
def test_x3_a_pattern_that_would_fill_the_memory_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionSyntaxError, match=r"memory|groups within"):
        CompiledTransform("jsonata", f"$contains(t, {pattern})")


@pytest.mark.parametrize(("pattern", "unit"), [("é,", "é,"), (r"^\w$", "a\r\n"), (r"\B.", "éé")])
def test_x3_many_matches_take_time_linear_in_the_text(pattern: str, unit: str) -> None:
    compiled = CapturingPattern(pattern, ignore_case=False, multiline=True, patience=2)

    def seconds(count: int) -> float:
        began = time.process_time()
        assert sum(1 for _ in compiled.matches(unit * count)) >= count
        return time.process_time() - began

    seconds(100)
    # Were it quadratic, it would take 256 times as long; what else runs on the machine makes it twice.
    assert min(seconds(16_000) for _ in range(3)) < 100 * seconds(1_000)
