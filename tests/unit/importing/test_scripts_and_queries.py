"""Scripts and queries of Conductor: what is true, and lists inside of lists, as JavaScript and jq have them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.imports import Case, check_case


def check(kind: str, given: dict[str, Any], found: Any, **parameters: Any) -> None:
    values = {name: f"${{workflow.input.{name}}}" for name in given}
    task = {"name": "i", "taskReferenceName": "i", "type": kind, "inputParameters": {**parameters, **values}}
    source = {"name": "wf", "version": 1, "tasks": [task], "outputParameters": {"found": "${i.output.result}"}}
    check_case("conductor", Case("computed", source, given, path=["i"], output={"found": found}))


@pytest.mark.parametrize(
    ("script", "given", "found"),
    [
        ("$.a ? 1 : 2", {"a": []}, 1),
        ("$.a ? 1 : 2", {"a": {}}, 1),
        ("$.a ? 1 : 2", {"a": [False]}, 1),
        ("$.a ? 1 : 2", {"a": "0"}, 1),
        ("$.a ? 1 : 2", {"a": ""}, 2),
        ("$.none ? 1 : 2", {"a": ""}, 2),
        ("!$.a", {"a": []}, False),
        ("!$.a", {"a": 0}, True),
        ("$.a || 'd'", {"a": []}, []),
        ("$.a && $.b", {"a": {}, "b": 2}, 2),
        ("(function(){ if ($.a) { return 1; } return 2; })()", {"a": []}, 1),
        ("[$.a, $.b]", {"a": 1, "b": [2]}, [1, [2]]),
        ("$.a[$.i]", {"a": [5, [6]], "i": 1}, [6]),
        ("$.a[$.i]", {"a": {"k": [7]}, "i": "k"}, [7]),
        ("$.a[-1]", {"a": [5, 6]}, None),
        ("$.a.trim()", {"a": " a  b\n"}, "a  b"),
    ],
)
def test_scripts(script: str, given: dict[str, Any], found: Any) -> None:
    check("INLINE", given, found, evaluatorType="javascript", expression=script)


@pytest.mark.parametrize(
    ("query", "given", "found"),
    [
        ("if .a then 1 else 2 end", {"a": 0}, 1),
        ("if .a then 1 else 2 end", {"a": ""}, 1),
        ("if .a then 1 else 2 end", {"a": []}, 1),
        ("if .a then 1 else 2 end", {"a": None}, 2),
        ("if .none then 1 else 2 end", {"a": 1}, 2),
        ("(.a and .b)", {"a": 0, "b": ""}, True),
        ("(.a or .b)", {"a": None, "b": False}, False),
        (".a | not", {"a": 0}, False),
        (".none | not", {"a": 0}, True),
        (".a | map(select(.ok))", {"a": [{"ok": 0}, {"ok": None}, {}]}, [{"ok": 0}]),
        (".a | length", {"a": None}, 0),
        (".a | length", {"a": -5}, 5),
        (".a[1:]", {"a": [1, [2]]}, [[2]]),
        (".a[1:3]", {"a": "abcd"}, "bc"),
        ("[range(.a)]", {"a": 3}, [0, 1, 2]),
        ("[.a[]]", {"a": {"x": [1], "y": 2}}, [[1], 2]),
        ('.a | join("-")', {"a": ["x", None, 1]}, "x--1"),
        ('.a | join("-")', {"a": []}, ""),
        (".a | ascii_upcase", {"a": "aé"}, "Aé"),
    ],
)
def test_queries(query: str, given: dict[str, Any], found: Any) -> None:
    check("JSON_JQ_TRANSFORM", given, found, queryExpression=query)


def test_zero_is_true_in_conditions_of_open_workflow() -> None:
    document = {"dsl": "1.0.0", "namespace": "ns", "name": "wf", "version": "1.0.0"}
    tasks = [
        {"a": {"if": "${ .n }", "set": {"n": 0, "ran": True}}},
        {"s": {"switch": [{"zero": {"when": ".n", "then": "b"}}, {"other": {"then": "end"}}]}},
        {"b": {"set": {"ran": "${ .ran }"}}},
    ]
    case = Case("zero", {"document": document, "do": tasks}, {"n": 0}, path=["a", "s", "b"], output={"ran": True})
    check_case("open-workflow", case)
