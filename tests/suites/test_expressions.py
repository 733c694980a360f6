"""JSONata, JMESPath and CEL as published (rules X2 and X3): what the official suites test, in cases of our own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.model.expressions import CompiledTransform, ExpressionFailure, ExpressionSyntaxError
from airflow_workflow_provider.model.expressions.numbers import same
from tests.suites import jmespath, jsonata

SHOP: dict[str, Any] = {
    "id": 8_070_450_532_247_928_833,
    "long": 2**70 + 1,
    "longer": 2**70 + 2,
    "doubled": 2**71 + 2,
    "top": 2**64 - 1,
    "over": 2**64,
    "odd": 2**53 + 1,
    "even": float(2**53),
    "half": 2**63,
    "small": 1e-7,
    "price": 80,
    "fee": 0.5,
    "rest": 7,
    "none": None,
    "open": True,
    "name": "Café Ölmühle",
    "when": "2027-03-01T08:30:00Z",
    "stock": [{"art": "tea", "left": 3}, {"art": "jam", "left": 0}, {"art": "oil", "left": 3}],
    "marks": [1, True, None, "1"],
    "box": {"0": "zero", "in": {"deep": [1, [2, 3]]}},
}

FAILS = object()

JSONATA: list[tuple[str, Any]] = [
    ("price + fee", 80.5),
    ("id + 1", 8_070_450_532_247_928_834),
    ("'/shops/' & id & '/stock'", "/shops/8070450532247928833/stock"),
    ("$string({'shop': id, 'fee': fee})", '{"shop":8070450532247928833,"fee":0.5}'),
    ("long & ''", str(2**70 + 1)),
    ("long = longer", False),
    ("2.50 & ''", "2.5"),
    ("0.1 * 3", 0.30000000000000004),
    ("(0.1 * 3) & ''", "0.3"),
    ("1e21 & ' ' & 1e20", "1e+21 100000000000000000000"),
    ("0.0000005 & ''", "5e-7"),
    ("rest % 2.5", 2),
    ("-rest % 4", -3),
    ("rest / 2", 3.5),
    ("rest / 0", FAILS),
    ("-3 ?: 9", -3),
    ("stock[-1].left ?: 9", 3),
    ("none ?? 'x'", None),
    ("missing ?? 'x'", "x"),
    ("0 ?: 'x'", "x"),
    ("true in marks", True),
    ("1 in [true]", False),
    ("null in marks", True),
    ("'1' in marks and 1 in marks", True),
    ("stock[left > 0].art", ["tea", "oil"]),
    ("stock^(left, >art).art", ["jam", "tea", "oil"]),
    ("$sort(stock, function($a, $b) { $a.left > $b.left }).art", ["jam", "tea", "oil"]),
    ("$sort(stock, function($a, $b) { $a.left < $b.left }).art", ["tea", "oil", "jam"]),
    ("$sort(['b', 'B', 'ä'])", ["B", "b", "ä"]),
    ("$sort(stock)", FAILS),
    ("stock{art: left}", {"tea": 3, "jam": 0, "oil": 3}),
    ("stock{$string(left): art}", {"3": ["tea", "oil"], "0": "jam"}),
    ("$formatNumber(-2.5, '0')", "-2"),
    ("$formatNumber(1234567.891, '#,##0.00')", "1,234,567.89"),
    ("$formatNumber(0.125, '0.0%')", "12.5%"),
    ("$formatNumber(id, '#,##0')", "8,070,450,532,247,928,833"),
    ("$formatNumber(1, '0;0;0')", FAILS),
    ("$formatInteger(21, '1;o')", "21st"),
    ("$formatInteger(1999, 'I')", "MCMXCIX"),
    ("$formatInteger(105, 'w')", "one hundred and five"),
    ("$formatBase(id, 36)", "1pbcvy7p6lgch"),
    ("$number('0x1F')", 31),
    ("$number('1_000')", FAILS),
    ("$number('٣')", FAILS),
    ("$number('')", FAILS),
    ("$round(2.5) & $round(3.5) & $round(12345, -2)", "2412300"),
    ("$length('\\uD834\\uDD1E!')", 2),
    ("$substring(name, -7, 3)", "Ölm"),
    ("$contains(name, missing)", None),
    ("$match('a1b22', /[0-9]+/).index", [1, 3]),
    ("$split('a, b,c', /,\\s*/)", ["a", "b", "c"]),
    ("$replace('2027-03', /(\\d+)-(\\d+)/, '$2/$1')", "03/2027"),
    ("$replace('x', /y*/, 'z')", FAILS),
    ("$base64decode($base64encode('Öl'))", "Öl"),
    ("$encodeUrlComponent('a b&ö')", "a%20b%26%C3%B6"),
    ("$decodeUrl('%zz')", FAILS),
    ("$toMillis('2027-03')", 1_803_859_200_000),
    ("$toMillis('01.03.2027', '[D01].[M01].[Y0001]')", 1_803_859_200_000),
    ("$toMillis('tomorrow')", FAILS),
    ("$toMillis('2027-02-28T24:00:00Z')", 1_803_859_200_000),
    ("$toMillis('2027-02-28T24:00:01Z')", FAILS),
    ("$toMillis('1.3.27', '[D].[M].[Y01]')", -1_351_900_800_000),
    ("$toMillis('monday, MARCH 1 2027', '[F], [MN] [D] [Y]')", 1_803_859_200_000),
    ("$toMillis('Mon, 01 mar 2027', '[FNn,3-3], [D01] [MNn,3-3] [Y]')", 1_803_859_200_000),
    ("$toMillis('1 Mai 2027', '[D] [MNn] [Y]')", FAILS),
    ("$toMillis('2027.03 (01)', '[Y].[M01] ([D01])')", 1_803_859_200_000),
    ("$toMillis('2027x03', '[Y].[M01]')", None),
    ("$toMillis('[2027]', '[[[Y]]]')", 1_798_761_600_000),
    ("$toMillis('2027-03-01T00:00-03:30', '[Y]-[M01]-[D01]T[H01]:[m01][Z]')", 1_803_871_800_000),
    ("$fromMillis(253402300799999)", "9999-12-31T23:59:59.999Z"),
    ("$formatInteger(7, '1;')", "7"),
    ("$fromMillis(1803859200123)", "2027-03-01T00:00:00.123Z"),
    ("$fromMillis(0, '[FNn], [D1o] [MNn] [Y]')", "Thursday, 1st January 1970"),
    ("$spread({'a': 1, 'b': 2})", [{"a": 1}, {"b": 2}]),
    ("$reduce([1..5], function($a, $b) { $a * $b })", 120),
    ("$single(stock, function($s) { $s.art = 'jam' }).left", 0),
    ("($f := $substring(?, 0, 2); $f('jam'))", "ja"),
    ("$type(none) & $type(marks) & $type($sum)", "nullarrayfunction"),
    ("box.in.deep[1]", [2, 3]),
    ("**.deep[0]", 1),
    ("$string(/a/)", ""),
    ("$eval('1')", FAILS),
    ("price +", FAILS),
]

JMESPATH: list[tuple[str, Any]] = [
    ("price", 80),
    ("id", 8_070_450_532_247_928_833),
    ("stock[?left > `0`].art", ["tea", "oil"]),
    ("stock[?left == `true`]", []),
    ("marks[?@ == `1`]", [1]),
    ("marks[?@ != `1`]", [True, "1"]),
    ("[price] == [`80.0`]", True),
    ("{a: `[1]`} == {a: `[true]`}", False),
    ("contains(`[1, 2]`, `true`)", False),
    ("contains(marks, `true`)", True),
    ("contains(`[[0]]`, `[false]`)", False),
    ("contains(name, 'Öl')", True),
    ("price > '1'", None),
    ("name > 'A'", None),
    ("none < `1`", None),
    ("open > `0`", None),
    ("to_number('1_000')", None),
    ("to_number('٣')", None),
    ("to_number(' 5 ')", None),
    ("to_number('-2.5e1')", -25),
    ("to_number('8070450532247928833')", 8_070_450_532_247_928_833),
    ("to_number(open)", None),
    ("to_string(id)", "8070450532247928833"),
    ("max_by(stock, &left).art", "tea"),
    ("sort_by(stock, &art)[0].art", "jam"),
    ("sum(stock[*].left)", 6),
    ("length(name)", 12),
    ("box.in.deep[]", [1, 2, 3]),
    ("stock[::-1].art | [0]", "oil"),
    ("missing.name || 'none'", "none"),
    ("nothing(price)", FAILS),
    ("abs(name)", FAILS),
    ("stock[", FAILS),
]

CEL: list[tuple[str, Any]] = [
    ("data.price * 1.25", 100),
    ("data.fee * 2", 1),
    ("data.price + data.fee", 80.5),
    ("data.rest / 2", 3.5),
    ("int(data.rest / 2)", 3),
    ("7 / 2", 3),
    ("7 + 0.5", FAILS),
    ("data.rest % 2.5", 2),
    ("1.5 + data.price > 81", True),
    ("data.stock.exists(s, s.left * 0.5 == 1.5)", True),
    ("data.stock.map(s, s.left + 0.5)", [3.5, 0.5, 3.5]),
    ("data.price in [80.0]", True),
    ("[data.price + 0.0] == [80]", True),
    ("{'p': data.price / 3 * 3}", {"p": 80}),
    ("data.open ? data.price + 0.5 : 0", 80.5),
    ("data.stock[data.price / 80].art", "jam"),
    ("data.id + 1", 8_070_450_532_247_928_834),
    ("data.id == data.id + 1", False),
    ("data.long == data.longer", False),
    ("data.long", 2**70 + 1),
    ("[data.longer]", [2**70 + 2]),
    ("data.long > 1", FAILS),
    ("data.long < data.longer && data.doubled > data.longer && -data.id < 0", True),
    ("data.top == data.over || data.over in [data.top] || [data.top] == [data.over]", False),
    ("data.odd == data.even || data.odd == 9007199254740992.0 || data.top == 18446744073709551616.0", False),
    ("data.even == 9007199254740992.0 && data.over == 18446744073709551616.0", True),
    ("string(data.id) + '/' + string(data.long) + '/' + string(data.over)", f"8070450532247928833/{2**70 + 1}/{2**64}"),
    ("string(data.small) + ' ' + string(data.price) + ' ' + string(data.open)", "1e-7 80 true"),
    ("string(timestamp(data.when)) + ' ' + string(duration('90m'))", "2027-03-01T08:30:00Z 5400s"),
    ("string(data.none)", FAILS),
    ("-data.half", -(2**63)),
    ("data.long + data.long", FAILS),
    ("data.id * 4", FAILS),
    ("data.rest / 0", FAILS),
    ("timestamp(data.when) + duration('90m') > timestamp(data.when)", True),
    ("data.name + '!'", "Café Ölmühle!"),
    ("data.none + 1", FAILS),
    ("data.none == 0", False),
    ("data.open == 1", False),
    ("has(data.fee) && !has(data.gone)", True),
    ("data.gone == 1", FAILS),
]


def _outcome(evaluate: Any) -> Any:
    try:
        return evaluate()
    except (ExpressionFailure, ExpressionSyntaxError):
        return FAILS


@pytest.mark.parametrize(("source", "wanted"), JSONATA, ids=[source for source, _ in JSONATA])
def test_x3_jsonata(source: str, wanted: Any) -> None:
    found = _outcome(lambda: CompiledTransform("jsonata", source).evaluate(SHOP))

    assert found is wanted or same(found, wanted), found


@pytest.mark.parametrize(("source", "wanted"), JMESPATH, ids=[source for source, _ in JMESPATH])
def test_x3_jmespath(source: str, wanted: Any) -> None:
    found = _outcome(lambda: CompiledTransform("jmespath", source).evaluate(SHOP))

    assert found is wanted or same(found, wanted), found


@pytest.mark.parametrize(("source", "wanted"), CEL, ids=[source for source, _ in CEL])
def test_x2_cel(source: str, wanted: Any) -> None:
    found = _outcome(lambda: CompiledTransform("cel", source).evaluate({"data": SHOP}))

    assert found is wanted or same(found, wanted), found


INNER = ("overload", "null_type", "int64", "_&&_", "_||_", "!_", "@in", "<iter_range>", "<jump_condition>", "double",
         "_+_", "json_", "uint64", "_[_]", "SELECT")  # fmt: skip

WRONG = [
    "data.none.startsWith('A')", "!data.name", "data.none && true", "data.none || false", "data.name ? 1 : 2",
    "data.name + 1", "data.name - 'x'", "data.open * 2", "data.none / 2", "data.none % 2", "-data.name",
    "data.none > 1", "string(data.none)", "string(data.stock)",
    "data.name < 1", "1 in data.none", "data.price in data.name", "data.price.all(x, x)", "data.none.map(x, x)",
    "data.stock.exists(x, x.left)", "data.stock.filter(x, x.art)", "data.price[0]", "data.stock['a']", "data.stock[9]",
    "data.price.size()", "size(data.price)", "data.price.matches('a')", "data.none.contains('a')",
    "data.price.endsWith('a')",
    "data.name.matches('[')", "int(data.none)", "string(data.none)", "timestamp(data.none)", "data.price.name",
    "data.name.getFullYear()", "duration(data.price)", "bool(data.price)", "{data.none: 1}", "data.stock + 1",
    "data.box + {}",
]  # fmt: skip


@pytest.mark.parametrize("source", WRONG)
def test_x2_messages_are_whole_and_in_words(source: str) -> None:
    with pytest.raises((ExpressionFailure, ExpressionSyntaxError)) as failure:
        CompiledTransform("cel", source).evaluate({"data": SHOP})

    message = str(failure.value)
    assert message.count("(") == message.count(")")
    assert not [name for name in INNER if name in message]


@pytest.mark.parametrize(("variable", "suite"), [("JSONATA_TEST_SUITE", jsonata), ("JMESPATH_TEST_SUITE", jmespath)])
@pytest.mark.timeout(300)
def test_x3_the_official_suite_where_it_is_at_hand(variable: str, suite: Any) -> None:
    place = os.environ.get(variable)
    if not place:
        pytest.skip(f"{variable} does not say where the suite is")

    count, problems = suite.compare(Path(place))

    assert count > 500
    assert problems == []
