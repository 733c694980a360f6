"""Values keep their shape: lists inside of lists, texts beyond ASCII, and comparisons of what has another type."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.imports import Case, check_case
from tests.unit.importing.stepfunctions_cases import machine, task

NESTED: list[tuple[str, str, dict[str, Any], Any]] = [
    ("an array of a list", "States.Array($.a)", {"a": [1]}, [[1]]),
    ("an array of lists", "States.Array($.a, 1, null, $.b)", {"a": [1], "b": []}, [[1], 1, None, []]),
    ("parts of lists", "States.ArrayPartition($.a, 2)", {"a": [[1], [2], [3]]}, [[[1], [2]], [[3]]]),
    ("a unique list", "States.ArrayUnique($.a)", {"a": [[1], [1]]}, [[1]]),
    ("a slice of one list", "$.a[1:2]", {"a": [5, [6], 7]}, [[6]]),
    ("a slice of nothing", "$.a[1:2]", {"a": [5]}, []),
    ("a filter over types", "$.a[?(@.n > 1)].n", {"a": [{"n": "z"}, {"n": 3}, {}]}, [3]),
    ("a filter of texts over types", "$.a[?(@.n < 'b')].n", {"a": [{"n": "a"}, {"n": 3}]}, ["a"]),
    ("base64 of UTF-8", "States.Base64Encode($.a)", {"a": "aé€😀~\n"}, "YcOp4oKs8J+YgH4K"),
    ("UTF-8 of base64", "States.Base64Decode($.a)", {"a": "YcOp4oKs8J+YgH4K"}, "aé€😀~\n"),
    ("the JSON of a text", "States.JsonToString($.a)", {"a": 'say "é"'}, '"say \\"é\\""'),
    ("the JSON of a list", "States.JsonToString($.a)", {"a": ["x"]}, '["x"]'),
]


@pytest.mark.parametrize(
    ("selected", "given", "found"), [each[1:] for each in NESTED], ids=[each[0] for each in NESTED]
)
def test_values_keep_their_shape(selected: str, given: dict[str, Any], found: Any) -> None:
    state = {"Type": "Pass", "Parameters": {"x.$": selected}, "End": True}
    check_case("stepfunctions", Case("values", machine("A", {"A": state}), given, path=["A"], output={"x": found}))


@pytest.mark.parametrize("selected", ["States.ArrayLength($.a)", "States.ArrayContains($.a, 'text')"])
def test_a_function_of_lists_fails_with_anything_else(selected: str) -> None:
    state = {"Type": "Pass", "Parameters": {"x.$": selected}, "End": True}
    case = Case("no list", machine("A", {"A": state}), {"a": "text"}, path=["A"], error="ExpressionError")
    check_case("stepfunctions", case)


RULES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("a time and another text", {"Variable": "$.a", "TimestampEquals": "2020-01-01T00:00:00Z"}, {"a": "soon"}, False),
    ("a time and a path", {"Variable": "$.a", "TimestampLessThanPath": "$.b"}, {"a": "soon", "b": "later"}, False),
    ("a month that is none", {"Variable": "$.a", "IsTimestamp": True}, {"a": "2016-13-18T17:33:00Z"}, False),
    ("presence inside of a text", {"Variable": "$.a.b", "IsPresent": True}, {"a": "text"}, False),
    ("presence inside of an object", {"Variable": "$.a[1]", "IsPresent": True}, {"a": {"b": 1}}, False),
    ("presence in a list", {"Variable": "$.a[0].b", "IsPresent": True}, {"a": [{"b": None}]}, True),
]


def ask(rule: dict[str, Any], **fields: Any) -> dict[str, Any]:
    states = {
        "Ask": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No", **fields},
        "Yes": {"Type": "Succeed"},
        "No": {"Type": "Succeed"},
    }
    return machine("Ask", states)


@pytest.mark.parametrize(("rule", "given", "holds"), [each[1:] for each in RULES], ids=[each[0] for each in RULES])
def test_a_comparison_of_another_type_is_false(rule: dict[str, Any], given: dict[str, Any], holds: bool) -> None:
    path = ["Ask", "Yes" if holds else "No"]
    check_case("stepfunctions", Case("rule", ask(rule), given, path=path, output=given))


def test_a_choice_compares_what_its_output_path_leaves_out() -> None:
    source = ask({"Variable": "$.a", "NumericEquals": 1}, InputPath="$.order", OutputPath="$.kept")
    given = {"order": {"a": 1, "kept": {"k": 2}}}
    check_case("stepfunctions", Case("paths", source, given, path=["Ask", "Yes"], output={"k": 2}))


LISTS: list[tuple[str, dict[str, Any], Any]] = [
    ("a list in a list", {"Type": "Pass", "Output": {"r": ["{% $states.input.one %}", 2]}}, [[[5]], 2]),
    (
        "items that are lists",
        {
            "Type": "Map",
            "Items": "{% $states.input.one %}",
            "ItemProcessor": machine("X", {"X": {"Type": "Pass", "End": True}}),
            "Output": {"r": "{% $states.result %}"},
        },
        [[5]],
    ),
    (
        "one branch",
        {
            "Type": "Parallel",
            "Branches": [machine("X", {"X": {"Type": "Pass", "Output": 7, "End": True}})],
            "Output": {"r": "{% $states.result %}"},
        },
        [7],
    ),
]


@pytest.mark.parametrize(("state", "found"), [each[1:] for each in LISTS], ids=[each[0] for each in LISTS])
def test_jsonata_keeps_lists(state: dict[str, Any], found: Any) -> None:
    source = machine("A", {"A": {**state, "End": True}}, QueryLanguage="JSONata")
    check_case("stepfunctions", Case("lists", source, {"one": [[5]]}, path=["A"], output={"r": found}))


def test_a_result_selector_reads_the_first_of_several_branches() -> None:
    branches = [machine(name, {name: {"Type": "Pass", "Result": {"x": name}, "End": True}}) for name in ("X", "Y")]
    state = {
        "Type": "Parallel",
        "Branches": branches,
        "ResultSelector": {"f.$": "$[0].x", "l.$": "$[1].x"},
        "End": True,
    }
    case = Case("selected", machine("A", {"A": state}), path=["A"], output={"f": "X", "l": "Y"})
    check_case("stepfunctions", case)


def test_a_jsonata_condition_that_is_neither_true_nor_false_fails() -> None:
    rule = {"Condition": "{% $states.input.n %}", "Next": "A"}
    states = {"Ask": {"Type": "Choice", "Choices": [rule], "Default": "A"}, "A": task("a", End=True)}
    source = machine("Ask", states, QueryLanguage="JSONata")
    check_case("stepfunctions", Case("number", source, {"n": 2}, path=["Ask"], error="ExpressionError"))
