"""JSONata transforms (rule X3)."""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from typing import Any

import pytest

from airflow_workflow_provider.model.expressions import CompiledTransform, ExpressionFailure, ExpressionSyntaxError

BINDINGS: dict[str, Any] = {
    "data": {
        "amount": 5,
        "half": 2.5,
        "whole": 2.0,
        "none": None,
        "list": [1, 2, 3],
        "one": [7],
        "empty": [],
        "object": {"a": 1, "b": {"c": None}},
        "orders": [{"sku": "a", "quantity": 2}, {"sku": "b", "quantity": 3}],
        "text": "héllo",
        "yes": True,
        "code": "1 + 1",
    },
    "steps": {"a-b": {"output": {"x": 1}}},
}

CASES: list[tuple[str, Any]] = [
    ("data.amount", 5),
    ("data.whole", 2),
    ("data.amount / 2", 2.5),
    ("data.amount * 1.0", 5),
    ("data.none", None),
    ("data.missing", None),
    ("{'a': data.none, 'b': data.missing}", {"a": None}),
    ("[data.none]", [None]),
    ("[data.missing]", []),
    ("data.list[0]", 1),
    ("data.list[-1]", 3),
    ("data.list[[0..1]]", [1, 2]),
    ("data.one", [7]),
    ("data.one[0]", 7),
    ("data.empty", []),
    ("data.orders.sku", ["a", "b"]),
    ("data.orders[quantity > 2].sku", "b"),
    ("[data.orders[quantity > 2].sku]", ["b"]),
    ("data.orders[quantity > 2].sku[]", ["b"]),
    ("$sum(data.orders.quantity)", 5),
    ("data.orders{sku: quantity}", {"a": 2, "b": 3}),
    ("data.orders^(>quantity).sku", ["b", "a"]),
    ("data.orders.{'s': sku, 'total': quantity * $$.data.amount}", [{"s": "a", "total": 10}, {"s": "b", "total": 15}]),
    ("data.orders#$i.{'x': $i}", [{"x": 0}, {"x": 1}]),
    ("data.orders@$o.{'x': $o.sku}", [{"x": "a"}, {"x": "b"}]),
    ("steps.`a-b`.output.x", 1),
    ("data.text & '!'", "héllo!"),
    ("$uppercase(data.text)", "HÉLLO"),
    ("$length(data.text)", 5),
    ("$substring(data.text, 1, 2)", "él"),
    ("data.text ~> $replace('l', 'L')", "héLLo"),
    ("data.text.$replace('l', 'L')", "héLLo"),
    ("$replace('abcabc', 'b', '$0', 1)", "a$0cabc"),
    ("$replace('abcabc', /b(c)/, '[$1$0$$$2]')", "a[cbc$]a[cbc$]"),
    ("$replace('abcabc', /b/, function($m) { $uppercase($m.match) })", "aBcaBc"),
    ("$replace(data.missing, 'a', 'b')", None),
    ("$replace('abab', /b$/, 'x')", "abax"),
    ("$replace('aaa', /^a/, 'x')", "xaa"),
    ("$replace('a-b', /([a-z])-([a-z])/, '$2-$1')", "b-a"),
    ("$replace('abcabc', /b/, 'x', 1)", "axcabc"),
    ("$replace('abc', /x/, 'y')", "abc"),
    ("/* no $replace here */ data.orders[quantity > 2].sku[]", ["b"]),
    ("/* no $replace here */ data.one", [7]),
    ("data.orders.$replace(sku, 'a', 'z')", ["z", "b"]),
    ("$map(['a', 'b'], function($v) { $replace($v, 'a', 'z') })", ["z", "b"]),
    ("/* { } */ $replace('{}', '{', '}')", "}}"),
    ("$split('a,b', ',')", ["a", "b"]),
    ("$join(['a', 'b'], '-')", "a-b"),
    ("$pad('x', -3, '0')", "00x"),
    ("$contains('aXb', /x/i)", True),
    ("$match('ab12', /[0-9]/).match", ["1", "2"]),
    ("$distinct([1, 1.0, 2, true, 'a', 'a', {'x': 1}, {'x': 1}])", [1, 2, True, "a", {"x": 1}]),
    ("$distinct(data.list)", [1, 2, 3]),
    ("$distinct(data.missing)", None),
    ("$map(data.list, function($v, $i) { $v * $i })", [0, 2, 6]),
    ("$filter(data.list, function($v) { $v > 2 })", 3),
    ("$reduce(data.list, function($a, $b) { $a + $b })", 6),
    ("$sort(data.list, function($a, $b) { $a < $b })", [3, 2, 1]),
    ("$merge([data.object, {'z': 1}])", {"a": 1, "b": {"c": None}, "z": 1}),
    ("$keys(data.object)", ["a", "b"]),
    ("$lookup(data, 'amount')", 5),
    ("$exists(data.none)", True),
    ("$exists(data.missing)", False),
    ("data.none = null", True),
    ("data.yes and data.amount > 4", True),
    ("data.amount > 4 ? 'big' : 'small'", "big"),
    ("($x := data.amount; $x + 1)", 6),
    ("data ~> |object|{'z': 1}, ['a']| ~> $lookup('object')", {"b": {"c": None}, "z": 1}),
    ("'2' in ['1', '2']", True),
    ("[1..3]", [1, 2, 3]),
    ("0.1 + 0.2 > 0.3", True),
    ("1e3", 1000),
    ("$number('12.50')", 12.5),
    ("$string(data.object)", '{"a":1,"b":{"c":null}}'),
    ("$fromMillis(0)", "1970-01-01T00:00:00.000Z"),
    ("function($x) { $x }", None),
    ("{'f': function($x) { $x }, 'a': 1}", {"a": 1}),
    ("data.code", "1 + 1"),
    # the functions of our own
    ("$parseJson('{\"a\": [1, null, 2.5]}')", {"a": [1, None, 2.5]}),
    ("$parseJson('{\"a\": 1}').a + 1", 2),
    ("$parseJson(data.missing)", None),
    ("$hash('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661"),
    ("$hash('a', 'SHA-1')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    ("$hash('é', 'sha-256')", "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"),
    ("$length($hash('a', 'SHA-384'))", 96),
    ("$length($hash('a', 'SHA-512'))", 128),
    ("$hash(data.missing, 'MD5')", None),
    ("[$uuid(), $uuid()]", ["uuid-0", "uuid-1"]),
]

FAILURES = [
    "1 / 0",
    "$power(10, 400)",
    "$number('x')",
    "$foo(1)",
    "data.text + 1",
    "$error('no')",
    "$assert(false, 'no')",
    "$parseJson('{')",
    "$parseJson('NaN')",
    "$parseJson(5)",
    "$hash('a', 'SHA-3')",
    "$hash('a')",
    "$hash(5, 'MD5')",
    "$eval('1 + 1')",
    "$eval(data.code)",
    "($e := $eval; $e(data.code))",
    "$replace('a', '', 'b')",
    "$replace('a', /x*/, 'b')",
    "$replace('a', 'a', 'b', -1)",
    "$replace('aa', /a/, function($m) { 5 })",
]

SYNTAX = ["", " ", "data.", "$sum(", "{", "[1..", "'", "/(/", "a b", ")", "data[", "$a :="]

HOSTILE = [
    "($f := function($x) { $f($x) }; $f(1))",
    "($f := function($x) { 1 + $f($x) }; $f(1))",
    "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $f('x', 60))",
    "($f := function($s, $n) { $n = 0 ? $s : $f([$s, $s], $n - 1) }; $f('x', 60))",
    "($f := function($s, $n) { $n = 0 ? $s : $f([[$s], [$s]], $n - 1) }; $f('x', 60))",
    "($f := function($s, $n) { $n = 0 ? $s : $f([[$s], [$s]], $n - 1) }; $string($f('x', 60)))",
    "($f := function($s, $n) { $n = 0 ? $s : $f({'a': $s, 'b': $s}, $n - 1) }; $f('x', 60))",
    "($f := function($s, $n) { $n = 0 ? $s : $f($s * $s, $n - 1) }; $f(10, 60))",
    "$pad('x', 1000000000)",
    "$pad('x', -1000000000)",
    "$replace($pad('x', 100000, 'x'), 'x', $pad('y', 100000))",
    "$replace($pad('x', 100000, 'x'), /x/, $pad('y', 100000))",
    "($p := $pad('y', 100000); $replace($pad('x', 100000, 'x'), /x/, function($m) { $p }))",
    "$join([1..90000].('abc'), $pad('x', 100000))",
    "[1..10000000]",
    "[1..99999].([1..99999])",
    "$map([1..50000], function($x) { $map([1..50000], function($y) { $x }) })",
    "$contains($pad('', 40, 'a') & 'b', /(a+)+$/) and $contains($pad('', 60, 'a') & 'b', /(a|aa)+$/)",
    "$parseJson($pad('', 100000, '['))",
]


def _evaluate(source: str, bindings: dict[str, Any] | None = None) -> Any:
    root = BINDINGS if bindings is None else bindings
    return CompiledTransform("jsonata", source).evaluate(root, uuid_source=lambda number: f"uuid-{number}")


def _types(value: Any) -> Any:
    """Only what ``json`` knows; ``1 == True`` and subclasses of list must not pass for the same."""
    if isinstance(value, dict):
        return type(value), {key: _types(part) for key, part in value.items()}
    if isinstance(value, list):
        return type(value), [_types(part) for part in value]
    return type(value), value


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[source for source, _ in CASES])
def test_x3_what_a_transform_gives(source: str, expected: Any) -> None:
    before = copy.deepcopy(BINDINGS)

    result = _evaluate(source)

    assert _types(result) == _types(expected)
    assert before == BINDINGS


@pytest.mark.parametrize("source", FAILURES)
def test_x3_a_failing_transform_is_an_expression_failure(source: str) -> None:
    with pytest.raises(ExpressionFailure) as failure:
        _evaluate(source)
    assert failure.value.message
    assert len(failure.value.message) < 500


@pytest.mark.parametrize("source", SYNTAX)
def test_x3_a_syntax_error_is_found_before_a_run(source: str) -> None:
    with pytest.raises(ExpressionSyntaxError):
        CompiledTransform("jsonata", source)


@pytest.mark.parametrize("source", HOSTILE)
def test_x3_an_expression_that_explodes_ends_in_bounded_time(source: str) -> None:
    started = time.process_time()

    with contextlib.suppress(ExpressionFailure):
        _evaluate(source)
    assert time.process_time() - started < 20


@pytest.mark.parametrize("source", ["(" * 3000 + "1" + ")" * 3000, "[" * 4000, "-" * 4000 + "1", "1+" * 4500 + "1"])
def test_x3_a_deep_expression_never_ends_in_a_traceback(source: str) -> None:
    with contextlib.suppress(ExpressionSyntaxError, ExpressionFailure):
        _evaluate(source)


def test_x3_a_result_is_a_fresh_copy() -> None:
    result = _evaluate("data.object")
    result["a"] = 99
    result["b"]["c"] = 99

    assert BINDINGS["data"]["object"] == {"a": 1, "b": {"c": None}}


def test_x3_large_integers_keep_every_digit() -> None:
    assert _evaluate("data.id", {"data": {"id": 2**53 + 1}}) == 2**53 + 1
    assert _evaluate("{'id': data[0].id}", {"data": [{"id": -(2**63)}]}) == {"id": -(2**63)}


def test_x3_text_that_is_no_unicode_becomes_so() -> None:
    assert _evaluate('"\\ud83d\\ude00"') == "😀"
    assert _evaluate('"a\\ud83d"').encode("utf-8")


def test_e3_further_variables_are_bound_with_a_dollar() -> None:
    compiled = CompiledTransform("jsonata", "$event.source & id")

    assert compiled.evaluate({"id": "1"}, variables={"event": {"source": "shop/"}}) == "shop/1"


def test_x3_uuids_without_a_source_are_different() -> None:
    assert len(set(CompiledTransform("jsonata", "[$uuid(), $uuid()]").evaluate({}))) == 2


def test_x3_threads_do_not_disturb_each_other() -> None:
    source = "$map([1..200], function($x) { $x * data.factor }) ~> $sum"
    compiled = CompiledTransform("jsonata", source)
    results: dict[int, set[Any]] = {}

    def run(factor: int) -> None:
        results[factor] = {compiled.evaluate({"data": {"factor": factor}}) for _ in range(20)}

    threads = [threading.Thread(target=run, args=(factor,)) for factor in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == {factor: {20100 * factor} for factor in range(1, 5)}


def test_x3_an_old_compiled_expression_still_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = CompiledTransform("jsonata", "data.amount")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)

    assert compiled.evaluate(BINDINGS) == 5


def test_x3_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for source in ("data.amount(1)", "(5)(1)", "$foo()", "data.list ~> 5"):
        with pytest.raises(ExpressionFailure):
            _evaluate(source)

    assert capsys.readouterr() == ("", "")


def test_x3_deep_data_is_an_error_and_never_a_traceback() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    for source in ("data", "data.x", "$string(data)"):
        with contextlib.suppress(ExpressionFailure):
            _evaluate(source, {"data": deep})
