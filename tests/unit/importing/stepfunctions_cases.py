"""State machines that use every construct of the Amazon States Language, with what the language says they do."""

from __future__ import annotations

from typing import Any

from tests.support.imports import Case

LAMBDA = "arn:aws:lambda:eu-central-1:111122223333:function:"


def machine(start: str, states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"StartAt": start, "States": states, **fields}


def task(name: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"{LAMBDA}{name}", **fields}


def passing(value: Any, **fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Result": value, **fields}


def choice(rules: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return machine(
        "Ask",
        {
            "Ask": {
                "Type": "Choice",
                "Choices": [{**rule, "Next": "Yes"} for rule in rules],
                "Default": "No",
                **fields,
            },
            "Yes": passing("yes", ResultPath="$.answer", End=True),
            "No": passing("no", ResultPath="$.answer", End=True),
        },
    )


FAILS = [{"error": {"type": "Card.Declined", "message": "no money"}}]

DATA = [
    Case(
        "pass_replaces_the_input_by_its_result",
        machine("A", {"A": passing({"b": [1, [2]], "t": "x"}, End=True)}),
        {"a": 1},
        path=["A"],
        output={"b": [1, [2]], "t": "x"},
    ),
    Case(
        "result_path_makes_the_objects_on_its_way",
        machine("A", {"A": passing(7, ResultPath="$.deep.er", End=True)}),
        {"a": 1},
        path=["A"],
        output={"a": 1, "deep": {"er": 7}},
    ),
    Case(
        "input_path_parameters_result_selector_and_output_path_in_their_order",
        machine(
            "A",
            {
                "A": task(
                    "score",
                    InputPath="$.order",
                    Parameters={"id.$": "$.id", "kind": "card", "lines.$": "$.lines"},
                    ResultSelector={"points.$": "$.score"},
                    ResultPath="$.checked",
                    OutputPath="$.checked",
                    End=True,
                )
            },
        ),
        {"order": {"id": 5, "lines": [{"n": 1}]}},
        {"lambda.score": [{"transform": {"type": "jsonata", "expression": '{"score": input.id * 2, "in": input}'}}]},
        path=["A"],
        output={"points": 10},
    ),
    Case(
        "result_path_null_keeps_the_input",
        machine("A", {"A": task("x", ResultPath=None, Next="B"), "B": {"Type": "Succeed"}}),
        {"a": [1]},
        {"lambda.x": [{"output": {"ignored": True}}]},
        path=["A", "B"],
        output={"a": [1]},
    ),
    Case(
        "a_path_that_finds_nothing_fails",
        machine("A", {"A": {"Type": "Pass", "Parameters": {"x.$": "$.missing"}, "End": True}}),
        {"a": 1},
        path=["A"],
        error="ExpressionError",
    ),
    Case(
        "a_path_to_a_list_of_one_stays_a_list",
        machine(
            "A", {"A": {"Type": "Pass", "Parameters": {"x.$": "$.l", "y.$": "$.l[0]", "z.$": "$.o[*].n"}, "End": True}}
        ),
        {"l": [[1]], "o": [{"n": 4}]},
        path=["A"],
        output={"x": [[1]], "y": [1], "z": [4]},
    ),
    Case(
        "filters_slices_and_names_with_blanks",
        machine(
            "A",
            {
                "A": {
                    "Type": "Pass",
                    "Parameters": {
                        "dear.$": "$.lines[?(@.price > 10)].id",
                        "first.$": "$.lines[0:2]",
                        "odd.$": "$['a b']['c.d']",
                        "last.$": "$.lines[-1].id",
                    },
                    "End": True,
                }
            },
        ),
        {"lines": [{"id": 1, "price": 5}, {"id": 2, "price": 50}, {"id": 3, "price": 1}], "a b": {"c.d": None}},
        path=["A"],
        output={"dear": [2], "first": [{"id": 1, "price": 5}, {"id": 2, "price": 50}], "odd": None, "last": 3},
    ),
    Case(
        "context_object",
        machine(
            "A",
            {
                "A": {
                    "Type": "Pass",
                    "Parameters": {"in.$": "$$.Execution.Input.n", "state.$": "$$.State.Name"},
                    "End": True,
                }
            },
        ),
        {"n": 3},
        path=["A"],
        output={"in": 3, "state": "A"},
    ),
    Case(
        "variables",
        machine(
            "A",
            {
                "A": task("x", Assign={"seen.$": "$.n", "fixed": {"k": 1}}, ResultPath=None, Next="B"),
                "B": {"Type": "Pass", "Parameters": {"seen.$": "$seen", "k.$": "$fixed.k", "in.$": "$.a"}, "End": True},
            },
        ),
        {"a": 1},
        {"lambda.x": [{"output": {"n": 9}}]},
        path=["A", "B"],
        output={"seen": 9, "k": 1, "in": 1},
    ),
]

INTRINSICS = [
    Case(
        "texts",
        machine(
            "A",
            {
                "A": {
                    "Type": "Pass",
                    "Parameters": {
                        "format.$": "States.Format('Hi {}, {} \\'of\\' \\{\\}', $.name, $.n)",
                        "json.$": "States.StringToJson($.json)",
                        "text.$": "States.JsonToString($.o)",
                        "split.$": "States.StringSplit($.csv, ',;')",
                        "b64.$": "States.Base64Encode($.name)",
                        "back.$": "States.Base64Decode(States.Base64Encode('x'))",
                        "hash.$": "States.Hash('a', 'SHA-1')",
                    },
                    "End": True,
                }
            },
        ),
        {"name": "Ada", "n": 3, "json": '{"k": [1]}', "o": {"p": 1}, "csv": "1,2;3"},
        path=["A"],
        output={
            "format": "Hi Ada, 3 'of' {}",
            "json": {"k": [1]},
            "text": '{"p":1}',
            "split": ["1", "2", "3"],
            "b64": "QWRh",
            "back": "x",
            "hash": "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
        },
    ),
    Case(
        "lists_and_numbers",
        machine(
            "A",
            {
                "A": {
                    "Type": "Pass",
                    "Parameters": {
                        "array.$": "States.Array($.n, 'b', null)",
                        "parts.$": "States.ArrayPartition($.l, 2)",
                        "one.$": "States.ArrayPartition($.single, 4)",
                        "has.$": "States.ArrayContains($.l, 3)",
                        "range.$": "States.ArrayRange(1, 9, 2)",
                        "item.$": "States.ArrayGetItem($.l, 1)",
                        "length.$": "States.ArrayLength($.l)",
                        "unique.$": "States.ArrayUnique($.twice)",
                        "sum.$": "States.MathAdd($.n, -1)",
                        "merged.$": "States.JsonMerge($.o, $.p, false)",
                    },
                    "End": True,
                }
            },
        ),
        {"n": 7, "l": [1, 2, 3], "single": [5], "twice": [1, 1], "o": {"a": 1, "b": 1}, "p": {"b": 2}},
        path=["A"],
        output={
            "array": [7, "b", None],
            "parts": [[1, 2], [3]],
            "one": [[5]],
            "has": True,
            "range": [1, 3, 5, 7, 9],
            "item": 2,
            "length": 3,
            "unique": [1],
            "sum": 6,
            "merged": {"a": 1, "b": 2},
        },
    ),
    Case(
        "random_numbers_stay_in_their_range",
        machine("A", {"A": {"Type": "Pass", "Parameters": {"n.$": "States.MathRandom(5, 6)"}, "End": True}}),
        path=["A"],
        output={"n": 5},
    ),
]

CHOICES = [
    Case(
        f"choice_{name}",
        choice([rule]),
        given,
        path=["Ask", "Yes" if holds else "No"],
        output={**given, "answer": "yes" if holds else "no"},
    )
    for name, rule, given, holds in (
        ("string", {"Variable": "$.k", "StringEquals": "x"}, {"k": "x"}, True),
        ("string_of_another_type", {"Variable": "$.k", "StringEquals": "1"}, {"k": 1}, False),
        ("string_order", {"Variable": "$.k", "StringLessThan": "b"}, {"k": "a"}, True),
        ("number", {"Variable": "$.k.n", "NumericGreaterThanEquals": 2}, {"k": {"n": 2.0}}, True),
        ("number_of_another_type", {"Variable": "$.k", "NumericLessThan": 2}, {"k": "1"}, False),
        ("number_path", {"Variable": "$.a", "NumericLessThanPath": "$.b"}, {"a": 1, "b": 2}, True),
        ("boolean", {"Variable": "$.k", "BooleanEquals": False}, {"k": False}, True),
        ("time", {"Variable": "$.k", "TimestampLessThan": "2027-01-01T00:00:00Z"}, {"k": "2026-12-31T23:00:00Z"}, True),
        ("wildcards", {"Variable": "$.k", "StringMatches": "log-*.tx\\*"}, {"k": "log-1.2.tx*"}, True),
        ("wildcards_of_a_number", {"Variable": "$.k", "StringMatches": "*"}, {"k": 1}, False),
        ("null", {"Variable": "$.k", "IsNull": True}, {"k": None}, True),
        ("present", {"Variable": "$.k.l[0]", "IsPresent": True}, {"k": {"l": []}}, False),
        ("absent", {"Variable": "$.k", "IsPresent": False}, {"j": 1}, True),
        ("kind", {"Variable": "$.k", "IsNumeric": True}, {"k": 1.5}, True),
        ("kind_of_time", {"Variable": "$.k", "IsTimestamp": True}, {"k": "yesterday"}, False),
        (
            "and",
            {"And": [{"Variable": "$.k", "IsPresent": True}, {"Variable": "$.k", "IsString": True}]},
            {"j": 1},
            False,
        ),
        (
            "or",
            {"Or": [{"Variable": "$.a", "BooleanEquals": True}, {"Variable": "$.b", "BooleanEquals": True}]},
            {"a": False, "b": True},
            True,
        ),
        ("not", {"Not": {"Variable": "$.a", "IsBoolean": True}}, {"a": "t"}, True),
        ("name_with_a_blank", {"Variable": "$['a b'].in", "StringEquals": "x"}, {"a b": {"in": "x"}}, True),
    )
]

FLOW = [
    Case(
        "a_choice_without_default_fails",
        machine(
            "Ask",
            {
                "Ask": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "Yes"}]},
                "Yes": {"Type": "Succeed"},
            },
        ),
        {"n": 2},
        path=["Ask"],
        error="NoTransitionMatched",
    ),
    Case(
        "a_choice_rule_assigns",
        machine(
            "Ask",
            {
                "Ask": {
                    "Type": "Choice",
                    "Assign": {"by": "default"},
                    "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Assign": {"by": "rule"}, "Next": "Done"}],
                    "Default": "Done",
                },
                "Done": {"Type": "Pass", "Parameters": {"by.$": "$by"}, "End": True},
            },
        ),
        {"n": 1},
        path=["Ask", "Done"],
        output={"by": "rule"},
    ),
    Case(
        "a_loop_until_a_job_is_done",
        machine(
            "Ask",
            {
                "Ask": task("job-state", ResultPath="$.job", Next="Done?"),
                "Done?": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.job.state", "StringEquals": "done", "Next": "End"}],
                    "Default": "Wait a bit",
                },
                "Wait a bit": {"Type": "Wait", "Seconds": 30, "Next": "Ask"},
                "End": {"Type": "Succeed"},
            },
        ),
        {"id": 1},
        {"lambda.job-state": [{"output": {"state": "busy"}}, {"output": {"state": "done"}}]},
        path=["Ask", "Done", "Wait-a-bit", "Ask", "Done", "End"],
        output={"id": 1, "job": {"state": "done"}},
    ),
    Case(
        "waiting_for_times_from_data",
        machine(
            "A",
            {
                "A": {"Type": "Wait", "SecondsPath": "$.s", "Next": "B"},
                "B": {"Type": "Wait", "TimestampPath": "$.t", "Next": "C"},
                "C": {"Type": "Wait", "Timestamp": "2027-03-02T00:00:00Z", "OutputPath": "$.s", "End": True},
            },
        ),
        {"s": 5, "t": "2027-03-01T12:00:00Z"},
        path=["A", "B", "C"],
        output={"value": 5},
    ),
    Case(
        "fail",
        machine("A", {"A": {"Type": "Fail", "Error": "Out.Of.Stock", "Cause": "nothing left"}}),
        path=["A"],
        error="Out.Of.Stock",
    ),
    Case(
        "fail_without_an_error",
        machine("A", {"A": {"Type": "Fail", "Cause": "nothing left"}}),
        path=["A"],
        error="WorkflowFailed",
        constructs=("Fail",),
    ),
    Case(
        "fail_with_values_from_data",
        machine("A", {"A": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('{}!', $.c)"}}),
        {"e": "E1", "c": "why"},
        path=["A"],
        error="E1",
    ),
    Case(
        "retriers_count_for_themselves",
        machine(
            "A",
            {
                "A": task(
                    "pay",
                    Retry=[
                        {"ErrorEquals": ["Busy"], "MaxAttempts": 1, "IntervalSeconds": 2, "BackoffRate": 1},
                        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 2, "MaxDelaySeconds": 5},
                    ],
                    End=True,
                )
            },
        ),
        {},
        {"lambda.pay": [{"error": {"type": "Busy"}}, {"error": {"type": "Other"}}, {"output": {"ok": True}}]},
        path=["A", "A", "A"],
        output={"ok": True},
    ),
    Case(
        "an_error_that_is_not_retried",
        machine(
            "A",
            {
                "A": task(
                    "pay",
                    Retry=[{"ErrorEquals": ["Card.Declined"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}],
                    End=True,
                )
            },
        ),
        {},
        {"lambda.pay": FAILS},
        path=["A"],
        error="Card.Declined",
    ),
    Case(
        "catch_puts_the_error_into_the_data",
        machine(
            "A",
            {
                "A": task(
                    "pay", Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "B"}], End=True
                ),
                "B": {"Type": "Pass", "End": True},
            },
        ),
        {"id": 1},
        {"lambda.pay": FAILS},
        path=["A", "B"],
        output={"id": 1, "error": {"Error": "Card.Declined", "Cause": "no money"}},
    ),
    Case(
        "catch_by_name_and_for_a_timeout",
        machine(
            "A",
            {
                "A": task(
                    "slow",
                    TimeoutSeconds=10,
                    Catch=[
                        {"ErrorEquals": ["Card.Declined"], "Next": "No"},
                        {"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "Late"},
                    ],
                    Next="No",
                ),
                "No": passing("declined", End=True),
                "Late": {"Type": "Pass", "End": True},
            },
        ),
        {"id": 1},
        {"lambda.slow": [{"output": {}, "duration": "PT11S"}]},
        path=["A", "Late"],
        output={"id": 1},
    ),
    Case(
        "a_child_machine",
        machine(
            "A",
            {
                "A": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::states:startExecution.sync:2",
                    "Parameters": {
                        "StateMachineArn": "arn:aws:states:eu-central-1:111122223333:stateMachine:ship",
                        "Input": {"order.$": "$.id"},
                    },
                    "ResultSelector": {"sent.$": "$.Output.sent"},
                    "End": True,
                }
            },
        ),
        {"id": 4},
        {"workflow:ship": [{"transform": {"type": "jsonata", "expression": '{"sent": input.order}'}}]},
        path=["A"],
        output={"sent": 4},
        constructs=("Resource",),
    ),
]

CALLBACK = machine(
    "A",
    {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"Body": {"token.$": "$$.Task.Token", "id.$": "$.id"}},
            "TimeoutSeconds": 3600,
            "ResultPath": "$.answer",
            "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 1, "IntervalSeconds": 1}],
            "Catch": [{"ErrorEquals": ["No"], "ResultPath": "$.why", "Next": "B"}],
            "Next": "B",
        },
        "B": {"Type": "Succeed"},
    },
)

CALLBACKS = [
    Case(
        "a_callback_brings_a_result",
        CALLBACK,
        {"id": 1},
        {"sqs.sendMessage": [{"output": {}}], "A-callback": [{"output": {"data": {"output": {"by": "ada"}}}}]},
        path=["A", "A-request", "A-callback", "B"],
        output={"id": 1, "answer": {"by": "ada"}},
        constructs=("waitForTaskToken",),
    ),
    Case(
        "a_callback_brings_a_failure_that_is_retried_and_one_that_is_caught",
        CALLBACK,
        {"id": 1},
        {
            "sqs.sendMessage": [{"output": {}}],
            "A-callback": [
                {"output": {"data": {"error": "Busy"}}},
                {"output": {"data": {"error": "No", "cause": "c"}}},
            ],
        },
        path=["A", "A-request", "A-callback", "A-failed", "A", "A-request", "A-callback", "A-failed", "B"],
        output={"id": 1, "why": {"Error": "No", "Cause": "c"}},
        constructs=("waitForTaskToken",),
    ),
]

REGIONS = [
    Case(
        "parallel_gives_a_list_of_results",
        machine(
            "P",
            {
                "P": {
                    "Type": "Parallel",
                    "Parameters": {"n.$": "$.n"},
                    "Branches": [
                        machine("A", {"A": passing([1], End=True)}),
                        machine("B", {"B": {"Type": "Pass", "End": True}}),
                    ],
                    "ResultPath": "$.both",
                    "Next": "After",
                },
                "After": {"Type": "Succeed"},
            },
        ),
        {"n": 2, "m": 3},
        path=["P", "A", "B", "After"],
        output={"n": 2, "m": 3, "both": [[1], {"n": 2}]},
    ),
    Case(
        "parallel_with_one_branch_gives_a_list_too",
        machine(
            "P",
            {
                "P": {
                    "Type": "Parallel",
                    "Branches": [machine("A", {"A": passing([1], End=True)})],
                    "ResultSelector": {"all.$": "$"},
                    "End": True,
                }
            },
        ),
        path=["P", "A"],
        output={"all": [[1]]},
    ),
    Case(
        "a_failing_branch_is_caught_with_its_own_error",
        machine(
            "P",
            {
                "P": {
                    "Type": "Parallel",
                    "Branches": [
                        machine("A", {"A": task("pay", End=True)}),
                        machine("B", {"B": {"Type": "Wait", "Seconds": 60, "End": True}}),
                    ],
                    "Catch": [{"ErrorEquals": ["Card.Declined"], "Next": "C"}],
                    "End": True,
                },
                "C": {"Type": "Pass", "End": True},
            },
        ),
        {},
        {"lambda.pay": FAILS},
        path=["P", "A", "C"],
        output={"Error": "Card.Declined", "Cause": "no money"},
    ),
    Case(
        "map_with_selector",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.lines",
                    "ItemSelector": {"line.$": "$$.Map.Item.Value", "at.$": "$$.Map.Item.Index", "of.$": "$.order"},
                    "MaxConcurrency": 1,
                    "ItemProcessor": machine("One", {"One": {"Type": "Pass", "End": True}}),
                    "ResultPath": "$.done",
                    "End": True,
                }
            },
        ),
        {"order": 7, "lines": ["x"]},
        path=["M", "One"],
        output={"order": 7, "lines": ["x"], "done": [{"line": "x", "at": 0, "of": 7}]},
    ),
    Case(
        "map_of_no_items_and_of_lists",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.none",
                    "Iterator": machine("I", {"I": {"Type": "Pass", "End": True}}),
                    "ResultPath": "$.r",
                    "Next": "N",
                },
                "N": {
                    "Type": "Map",
                    "ItemsPath": "$.lists",
                    "Iterator": machine("J", {"J": {"Type": "Pass", "End": True}}),
                    "ResultPath": "$.s",
                    "End": True,
                },
            },
        ),
        {"none": [], "lists": [[1], []]},
        path=["M", "N", "J", "J"],
        output={"none": [], "lists": [[1], []], "r": [], "s": [[1], []]},
    ),
    Case(
        "map_inside_of_map",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.rows",
                    "ItemProcessor": machine(
                        "N",
                        {
                            "N": {
                                "Type": "Map",
                                "ItemsPath": "$.cells",
                                "ItemProcessor": machine(
                                    "T",
                                    {"T": {"Type": "Pass", "Parameters": {"v.$": "States.MathAdd($, 1)"}, "End": True}},
                                ),
                                "End": True,
                            }
                        },
                    ),
                    "End": True,
                }
            },
        ),
        {"rows": [{"cells": [1, 2]}, {"cells": []}]},
        path=["M", "N", "N", "T", "T"],
        output={"value": [[{"v": 2}, {"v": 3}], []]},
    ),
    Case(
        "map_in_batches",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.l",
                    "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"k": 1}},
                    "ItemProcessor": machine(
                        "B",
                        {
                            "B": {
                                "Type": "Pass",
                                "Parameters": {"n.$": "States.ArrayLength($.Items)", "k.$": "$.BatchInput.k"},
                                "End": True,
                            }
                        },
                    ),
                    "End": True,
                }
            },
        ),
        {"l": [1, 2, 3]},
        path=["M", "B", "B"],
        output={"value": [{"n": 2, "k": 1}, {"n": 1, "k": 1}]},
        constructs=("ItemBatcher",),
    ),
    Case(
        "a_failing_item_fails_the_map",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.l",
                    "ItemProcessor": machine("I", {"I": task("pay", End=True)}),
                    "End": True,
                }
            },
        ),
        {"l": [1]},
        {"lambda.pay": FAILS},
        path=["M", "I"],
        error="BranchFailed",
    ),
    Case(
        "tolerated_failures",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.l",
                    "ToleratedFailureCount": 1,
                    "ItemProcessor": machine("I", {"I": task("pay", End=True)}),
                    "End": True,
                }
            },
        ),
        {"l": [1]},
        {"lambda.pay": FAILS},
        path=["M", "I"],
        output={"value": [None]},
        constructs=("ToleratedFailureCount",),
    ),
    Case(
        "a_share_of_the_items_may_fail",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.l",
                    "ToleratedFailurePercentage": 50,
                    "ToleratedFailureCount": 3,
                    "ItemProcessor": machine("I", {"I": task("pay", End=True)}),
                    "End": True,
                }
            },
        ),
        {"l": [1, 2]},
        {"lambda.pay": [*FAILS, {"output": {"ok": True}}]},
        path=["M", "I", "I"],
        output={"value": [None, {"ok": True}]},
        constructs=("ToleratedFailurePercentage", "ToleratedFailureCount"),
    ),
    Case(
        "numbers_from_data",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "InputPath": "$.of",
                    "ItemsPath": "$.l",
                    "MaxConcurrencyPath": "$.most",
                    "ToleratedFailureCountPath": "$.bad",
                    "ToleratedFailurePercentagePath": "$.share",
                    "ItemProcessor": machine("I", {"I": task("pay", End=True)}),
                    "End": True,
                }
            },
        ),
        {"of": {"l": [1, 2, 3], "most": 0, "bad": 2, "share": 33.4}},
        {"lambda.pay": [*FAILS, {"output": {"ok": True}}]},
        path=["M", "I", "I", "I"],
        output={"value": [None, {"ok": True}, {"ok": True}]},
        constructs=("ToleratedFailureCountPath", "ToleratedFailurePercentagePath"),
    ),
    Case(
        "more_than_the_share_from_data",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.l",
                    "MaxConcurrencyPath": "$.most",
                    "ToleratedFailurePercentagePath": "$.share",
                    "ItemProcessor": machine("I", {"I": task("pay", End=True)}),
                    "End": True,
                }
            },
        ),
        {"l": [1, 2, 3], "most": 1, "share": 33.3},
        {"lambda.pay": FAILS},
        path=["M", "I"],
        error="BranchFailed",
    ),
    Case(
        "a_bound_that_is_not_in_the_data",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.l",
                    "MaxConcurrencyPath": "$.most",
                    "ItemProcessor": machine("I", {"I": task("pay", End=True)}),
                    "End": True,
                }
            },
        ),
        {"l": [1]},
        path=["M"],
        error="ExpressionError",
    ),
    Case(
        "a_timeout_from_data",
        machine(
            "T",
            {
                "T": task(
                    "pay",
                    InputPath="$.of",
                    TimeoutSecondsPath="$.limit",
                    Catch=[{"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "Late"}],
                    End=True,
                ),
                "Late": {"Type": "Pass", "Result": "late", "End": True},
            },
        ),
        {"of": {"limit": 5}},
        {"lambda.pay": [{"output": {}, "duration": "PT6S"}]},
        path=["T", "Late"],
        output={"value": "late"},
    ),
]

JSONATA = [
    Case(
        "jsonata_numbers_from_data",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "Items": "{% $states.input.l %}",
                    "MaxConcurrency": "{% $states.input.most %}",
                    "ToleratedFailureCount": "{% $count($states.input.l) - 1 %}",
                    "ToleratedFailurePercentage": "{% $states.input.share %}",
                    "ItemProcessor": machine("I", {"I": task("pay", End=True)}),
                    "End": True,
                }
            },
            QueryLanguage="JSONata",
        ),
        {"l": [1, 2], "most": 1, "share": 50},
        {"lambda.pay": [*FAILS, {"output": {"ok": True}}]},
        path=["M", "I", "I"],
        output={"value": [None, {"ok": True}]},
        constructs=("ToleratedFailureCount", "ToleratedFailurePercentage"),
    ),
    Case(
        "jsonata_timeout_from_data",
        machine(
            "T",
            {"T": task("pay", TimeoutSeconds="{% $states.input.limit * 2 %}", End=True)},
            QueryLanguage="JSONata",
        ),
        {"limit": 2},
        {"lambda.pay": [{"output": {}, "duration": "PT5S"}]},
        path=["T"],
        error="TimeoutError",
    ),
    Case(
        "jsonata_task",
        machine(
            "A",
            {
                "A": task(
                    "score",
                    Arguments={"id": "{% $states.input.order.id %}", "kind": "card"},
                    Assign={"points": "{% $states.result.score %}"},
                    Output="{% $merge([$states.input, {'score': $states.result.score}]) %}",
                    Next="B",
                ),
                "B": {
                    "Type": "Pass",
                    "Output": {"p": "{% $points + 1 %}", "s": "{% $states.input.score %}"},
                    "End": True,
                },
            },
            QueryLanguage="JSONata",
        ),
        {"order": {"id": 21}},
        {"lambda.score": [{"transform": {"type": "jsonata", "expression": '{"score": input.id * 2}'}}]},
        path=["A", "B"],
        output={"p": 43, "s": 42},
    ),
    Case(
        "jsonata_choice",
        machine(
            "A",
            {
                "A": {
                    "Type": "Choice",
                    "Choices": [
                        {"Condition": "{% $states.input.n > 10 %}", "Output": {"size": "big"}, "Next": "B"},
                        {"Condition": "{% $states.input.n > 5 %}", "Next": "B"},
                    ],
                    "Default": "C",
                },
                "B": {"Type": "Succeed"},
                "C": {"Type": "Fail", "Error": "{% 'Too.' & 'Small' %}", "Cause": "{% $string($states.input.n) %}"},
            },
            QueryLanguage="JSONata",
        ),
        {"n": 11},
        path=["A", "B"],
        output={"size": "big"},
        constructs=("Choices",),
    ),
    Case(
        "jsonata_fail",
        machine("C", {"C": {"Type": "Fail", "QueryLanguage": "JSONata", "Error": "{% 'Too.' & 'Small' %}"}}),
        path=["C"],
        error="Too.Small",
    ),
    Case(
        "jsonata_map_and_functions",
        machine(
            "M",
            {
                "M": {
                    "Type": "Map",
                    "Items": "{% $range(1, 5, 2) %}",
                    "ItemSelector": {"n": "{% $states.context.Map.Item.Value %}", "of": "{% $states.input.k %}"},
                    "ItemProcessor": machine(
                        "I", {"I": {"Type": "Pass", "Output": "{% $states.input.n + $states.input.of %}", "End": True}}
                    ),
                    "Output": {
                        "all": "{% $states.result %}",
                        "parts": "{% $partition($states.result, 2) %}",
                        "parsed": "{% $parse('[1]') %}",
                    },
                    "End": True,
                }
            },
            QueryLanguage="JSONata",
        ),
        {"k": 10},
        path=["M", "I", "I", "I"],
        output={"all": [11, 13, 15], "parts": [[11, 13], [15]], "parsed": [1]},
    ),
    Case(
        "jsonata_wait_parallel_and_catch",
        machine(
            "W",
            {
                "W": {"Type": "Wait", "Seconds": "{% $states.input.s %}", "Next": "P"},
                "P": {
                    "Type": "Parallel",
                    "Branches": [machine("A", {"A": task("pay", Arguments="{% $states.input.s %}", End=True)})],
                    "Catch": [
                        {
                            "ErrorEquals": ["States.ALL"],
                            "Output": {"e": "{% $states.errorOutput.Error %}"},
                            "Assign": {"c": "{% $states.errorOutput.Cause %}"},
                            "Next": "D",
                        }
                    ],
                    "End": True,
                },
                "D": {"Type": "Pass", "Output": {"e": "{% $states.input.e %}", "c": "{% $c %}"}, "End": True},
            },
            QueryLanguage="JSONata",
        ),
        {"s": 3},
        {"lambda.pay": FAILS},
        path=["W", "P", "A", "D"],
        output={"e": "Card.Declined", "c": "no money"},
    ),
    Case(
        "jsonata_that_gives_nothing_fails",
        machine(
            "A", {"A": {"Type": "Pass", "Output": "{% $states.input.missing %}", "End": True}}, QueryLanguage="JSONata"
        ),
        path=["A"],
        error="ExpressionError",
    ),
]

CASES = [*DATA, *INTRINSICS, *CHOICES, *FLOW, *CALLBACKS, *REGIONS, *JSONATA]
