from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from airflow_workflow_provider.model.expressions import (
    UI_NAMES,
    X1_NAMES,
    ExpressionFailure,
    ExpressionSyntaxError,
    compile_cel,
    compile_condition,
)

BINDINGS: dict[str, Any] = {
    "input": {},
    "steps": {"check": {"status": "completed", "output": {"n": 1}}, "a-b": {"status": "failed"}},
    "variables": {"limit": 1000},
    "output": {"ok": True},
    "attempt": 2,
    "error": None,
    "event": None,
    "workflow": {"id": "x"},
    "data": {
        "amount": 1500,
        "half": 1500.0,
        "none": None,
        "text": "héllo",
        "list": [1, 2, 3],
        "object": {"a": {"b": 1}},
        "big": 2**70,
        "small": -(2**70),
        "huge": 10**400,
        "day": "2027-01-31T09:00:00+01:00",
    },
}


def _holds(source: str, **more: Any) -> bool:
    return compile_condition(source).holds({**BINDINGS, **more})


@pytest.mark.parametrize(
    "source",
    [
        "data.amount > 1000",
        "!(data.amount <= 1000)",
        "data.amount == 1500.0 && data.half == 1500",
        "data.amount > 1499.5 && data.half >= 1500",
        "attempt < 2.5 && attempt == 2",
        "data.amount in [1500.0]",
        "data['amount'] == 1500",
        "data.object.a.b == 1",
        "data.object == {'a': {'b': 1}}",
        "steps.check.status == 'completed'",
        "steps['a-b'].status == 'failed'",
        "has(steps.check) && !has(steps.b)",
        "has(data.none) && !has(data.missing)",
        "data.none == null && error == null && event == null",
        "output.ok",
        "data.list.exists(x, x == 2) && data.list.all(x, x > 0) && size(data.list) == 3",
        "data.list.filter(x, x > 1).map(x, x * 2) == [4, 6]",
        "data.text.startsWith('h') && data.text.size() == 5 && data.text.matches('^h.llo$')",
        "'a' in data.object && !('z' in data)",
        "data.amount > variables.limit",
        "data.big > 9223372036854775807.0 && data.small < data.amount",
        "isoDuration('PT90M') == duration('5400s') && isoDuration('P1D') > isoDuration('PT23H')",
        "timestamp(data.day) < timestamp('2027-02-01T00:00:00Z')",
        "timestamp(data.day) + isoDuration('P1D') > timestamp('2027-02-01T00:00:00Z')",
        "data.missing == 1 || data.amount == 1500",
        "data.amount == 1500 // a comment",
        "data.amount > 0 ? true : false",
        "'it\\'s' == \"it's\"",
        "||".join(["data.amount == 0"] * 50) + "|| true",
    ],
)
def test_x2_conditions_are_cel(source: str) -> None:
    assert _holds(source)


@pytest.mark.parametrize(
    "source",
    ["data.amount == 'x'", "data.text == 1", "attempt == 'two'", "error == 1", "data.none == 0",
     "data.list == data.text", "data.object == 'x'", "output == 5", "event == ''"],
)  # fmt: skip
def test_x2_equality_across_unlike_types_is_false_and_inequality_true(source: str) -> None:
    assert not _holds(source)
    assert _holds(source.replace("==", "!="))


@pytest.mark.parametrize(
    "source",
    [
        "double(data.amount) > 1",
        "size(data.list) != 1.5",
        "size(data.list) * 1.5 > 0.5 && size(data.list) >= 0.5",
        "double(size(data.list)) in [size(data.list), -1]",
        "!(size(data.list) == 0.5 || 0.5 > double(data.amount))",
    ],
)
def test_x2_what_is_computed_of_the_data_is_compared_with_numbers_of_any_type(source: str) -> None:
    assert _holds(source)


@pytest.mark.parametrize(
    "source", ["1 == 1.0", "1 in [1.0]", "size(data.list) == 'a'", "size(data.list) > 1.5 || 1 == ''"]
)
def test_x2_literals_and_unlike_types_keep_the_rules_of_cel(source: str) -> None:
    with pytest.raises(ExpressionSyntaxError, match="cannot be applied"):
        compile_condition(source, X1_NAMES)


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("data.missing > 1", "missing"),
        ("data.amount > 'a'", "cannot be applied"),
        ("data.text + data.amount == 1", "cannot be applied"),
        ("error.type == 'x'", "not an object"),
        ("data.none.x == 1", "not an object"),
        ("data.list[7] == 1", "7"),
        ("data.amount / 0 == 1", "zero"),
        ("data.amount", "true or false"),
        ("data.text", "true or false"),
        ("data.none", "true or false"),
        ("isoDuration('5m') > duration('1s')", "ISO 8601"),
        ("isoDuration('P1M') > duration('1s')", "months"),
        ("timestamp('yesterday') > timestamp(data.day)", "not an RFC 3339 timestamp"),
        ("int(data.text) > 1", "not a whole number"),
        ("double(data.text) > 1", "not a number"),
        ("bool(data.text)", 'neither "true" nor "false"'),
        ("duration(data.text) > duration('1s')", "not a duration"),
        ("timestamp(data.day).getHours(data.text) > 1", "no such time zone"),
        ("int(1e300 * data.amount) > 1", "more than 64 bits"),
        ("size(data.list) > 1.5 && size(data.list) < data.text", "cannot be applied"),
        ("data.amount * 9223372036854775807 > 1", "overflow"),
        ("data.text.matches('(')", ""),
    ],
)
def test_x2_an_evaluation_error_is_never_silently_false(source: str, part: str) -> None:
    with pytest.raises(ExpressionFailure) as failure:
        _holds(source)
    assert part in failure.value.message
    assert "INVALID_ARGUMENT" not in failure.value.message


def test_x2_a_binding_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ExpressionFailure, match="output"):
        compile_condition("output.x == 1").holds({"data": {}})


@pytest.mark.parametrize(
    ("source", "kind", "suggestion"),
    [
        ("", "empty", "true"),
        ("  \n", "empty", "true"),
        ("data.a and data.b", "syntax", "&&"),
        ("not data.a", "syntax", "!"),
        ("data.a = 1", "syntax", "=="),
        ("data.a === 1", "syntax", "=="),
        ("data.a <> 1", "syntax", "!="),
        ("data.a == 'and", "syntax", None),
        ("data.", "syntax", None),
        ("data.a ==", "syntax", None),
        ("(data.a", "syntax", None),
        ("data.a; data.b", "syntax", None),
        ("#{data}", "syntax", None),
        ("amount > 1", "name", None),
        ("status == 'running'", "name", None),
        ("__import__('os')", "name", None),
        ("steps.a-b.status == 'x'", "name", None),
        ("nosuch(data)", "name", None),
        ("size(data)", "type", "compare"),
        ("'text'", "type", "compare"),
        ("1 + 1", "type", "compare"),
        ("data == 1", "type", None),
        ("1 == 'a'", "type", None),
        ("data.a && 1", "type", None),
        ("x" * 1001, "size", None),
        ("data.x == '" + "x" * 5_000_000 + "'", "size", None),
        ("(" * 100 + "true" + ")" * 100, "size", None),
        ("[" * 400, "size", None),
        ("data.list.all(a, data.list.all(b, data.list.all(c, data.list.all(d, true))))", "size", None),
        ("data.list.map(x, x+x+x+x+x+x).map(x, x+x+x+x+x) == []", "size", None),
        ("'\\ud800' == ''", "syntax", None),
        ("data.a == '\ud800'", "syntax", None),
        ("\0", "syntax", None),
    ],
)
def test_x2_what_cannot_work_is_found_before_a_run(source: str, kind: str, suggestion: str | None) -> None:
    with pytest.raises(ExpressionSyntaxError) as error:
        compile_condition(source)
    assert error.value.kind == kind
    assert suggestion is None or suggestion in (error.value.suggestion or "")
    assert len(error.value.message) < 300


def test_x2_a_name_that_is_not_bound_is_named() -> None:
    with pytest.raises(ExpressionSyntaxError) as error:
        compile_condition("data.x == 1 && amount.total > 1")
    assert error.value.name == "amount"
    assert error.value.position is not None


def test_u1_further_names_can_be_bound() -> None:
    names = {**BINDINGS, "status": "running", "progress": {"percent": 50}, "user": {"roles": ["admin"]}}
    condition = compile_condition("status == 'running' && progress.percent == 50 && 'admin' in user.roles", UI_NAMES)

    assert condition.holds(names)


def test_p4_item_and_index_can_be_bound() -> None:
    condition = compile_condition("item.id == itemIndex", X1_NAMES | {"item", "itemIndex"})

    assert condition.holds({**BINDINGS, "item": {"id": 3}, "itemIndex": 3})


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("data.a.b > 1", {"data": {"a": {"b": {}}}}),
        ("data['a'][\"b\"] > 1 && data.c == 1", {"data": {"a": {"b": {}}, "c": {}}}),
        ("data.a == 1 && size(data) == 1", {"data": {}}),
        ("size(data) == 1 && data.a == 1", {"data": {}}),
        ("data[data.key] == 1", {"data": {}}),
        ("data.text.startsWith('x')", {"data": {"text": {}}}),
        ("has(steps.a) && 'data.secret' == data.x", {"steps": {"a": {}}, "data": {"x": {}}}),
        ("true", {}),
    ],
)
def test_x2_only_what_an_expression_names_is_handed_over(source: str, reads: dict[str, Any]) -> None:
    assert compile_condition(source).reads == reads


def test_x2_large_data_beside_what_is_read_costs_nothing() -> None:
    big = {"amount": 1, "rows": [{"n": number} for number in range(200_000)], "text": "x" * 5_000_000}

    def seconds(source: str) -> float:
        condition = compile_condition(source)
        started = time.process_time()
        assert condition.holds({"data": big})
        return time.process_time() - started

    assert min(seconds("data.amount == 1") for _ in range(3)) < seconds("size(data.rows) > 1") / 10


@pytest.mark.parametrize(
    "source",
    [
        "data.rows.all(a, data.rows.all(b, data.rows.all(c, true)))",
        pytest.param("data.rows.map(a, data.rows.map(b, data.rows.map(c, a))) == []", marks=pytest.mark.slow),
        pytest.param("data.rows.map(x, data.rows) == data.rows.map(x, data.rows)", marks=pytest.mark.slow),
        "size(data.text + data.text + data.text + data.text + data.text) > 1",
        "size([data.text].map(x, (x + x) + (x + x)).map(x, (x + x) + (x + x))[0]) > 1",
        pytest.param("data.rows.all(x, data == data)", marks=pytest.mark.slow),
        pytest.param("data.rows.all(x, !data.text.matches('(x+x+)+y'))", marks=pytest.mark.slow),
        "data.text.matches('(a|aa)+$')",
        "data.deep == data.deep",
    ],
)
def test_x2_evaluation_has_a_bound(source: str) -> None:
    deep: Any = 1
    for _ in range(190):
        deep = [deep]
    data = {"rows": list(range(9000)), "text": "x" * 200_000, "deep": deep}
    started = time.process_time()

    with contextlib.suppress(ExpressionFailure):
        compile_condition(source).holds({"data": data})
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "value", ["x" * 2_000_000, list(range(600_000)), {"a": object()}, {"a": {1, 2}}], ids=["text", "list", "odd", "set"]
)
def test_x2_too_much_or_strange_data_is_an_error(value: Any) -> None:
    with pytest.raises(ExpressionFailure):
        compile_condition("data.x == data.x").holds({"data": {"x": value}})


def test_x2_deep_data_is_an_error() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    with pytest.raises(ExpressionFailure):
        compile_condition("data.x == 1").holds({"data": {"x": deep}})


def test_x2_text_that_is_no_unicode_does_no_harm() -> None:
    assert compile_condition("data.x != 'y' && data.x != 'a'").holds({"data": {"x": "\ud800", "\udfff": 1}})


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("data.amount * 2", 3000),
        ("data.half", 1500),
        ("data.object", {"a": {"b": 1}}),
        ("{'z': data.none, 'a': [1u, 2.5, true]}", {"a": [1, 2.5, True], "z": None}),
        ("{1: 'x'}", {"1": "x"}),
        ("{true: 'x'}", {"true": "x"}),
        ("timestamp('2027-01-31T09:00:00+01:00')", "2027-01-31T08:00:00Z"),
        ("isoDuration('PT90M')", "PT1H30M"),
        ("timestamp('2027-01-01T00:00:00Z') - timestamp('2027-01-01T00:00:01Z')", "-PT1S"),
        ("b'abc'", "YWJj"),
        ("null", None),
        ("data.list.map(x, x + 1)", [2, 3, 4]),
    ],
)
def test_k3_cel_in_arguments_gives_json(source: str, value: Any) -> None:
    result = compile_cel(source).evaluate(BINDINGS)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("source", ["type(data)", "data.half / 0.0", "[0.0 / 0.0 * data.half]", "data.missing"])
def test_k3_what_is_no_json_is_an_error(source: str) -> None:
    with pytest.raises(ExpressionFailure):
        compile_cel(source).evaluate(BINDINGS)
