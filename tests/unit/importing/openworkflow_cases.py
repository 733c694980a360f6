"""Documents that use every construct of Open Workflow, with what its specification says they do."""

from __future__ import annotations

from typing import Any

from tests.support.imports import Case

ERRORS = "https://serverlessworkflow.io/spec/1.0.0/errors/"


def document(*tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    about = {"dsl": "1.0.3", "namespace": "shop", "name": "order", "version": "0.1.0"}
    return {"document": about, "do": list(tasks), **fields}


def task(name: str, **fields: Any) -> dict[str, Any]:
    return {name: fields}


def put(name: str, value: Any, **fields: Any) -> dict[str, Any]:
    return {name: {"set": value, **fields}}


def http(name: str, **fields: Any) -> dict[str, Any]:
    return {name: {"call": "http", "with": {"method": "get", "endpoint": "https://example.org/{id}"}, **fields}}


FAILS = [{"error": {"type": f"{ERRORS}communication", "code": "503", "message": "away"}}]

DATA = [
    Case(
        "set_replaces_the_data",
        document(put("a", {"n": "${ .n + 1 }", "t": "n is ${ .n }!", "l": ["${ .n }", 1], "x": ".n"})),
        {"n": 1},
        path=["a"],
        output={"n": 2, "t": "n is 1!", "l": [1, 1], "x": ".n"},
    ),
    Case(
        "input_output_export_and_context",
        document(
            put(
                "a",
                {"all": "${ . }", "from": "${ $input }"},
                input={"from": ".order"},
                output={"as": ".all + {in: $input.id}"},
                export={"as": "{seen: .id}"},
            ),
            put("b", {"context": "${ $context.seen }", "data": "${ . }", "w": "${ $workflow.input.k }"}),
            output={"as": {"result": "${ . }"}},
            input={"from": "{order: .o, k: .k}"},
        ),
        {"o": {"id": 5}, "k": 1},
        path=["a", "b"],
        output={"result": {"context": 5, "data": {"id": 5, "in": 5}, "w": 1}},
    ),
    Case(
        "a_call_receives_arguments_and_data",
        document(http("get pet", output={"as": ".body"}), timeout={"after": {"minutes": 5}}),
        {"id": 7},
        {
            "http.get-pet": [
                {
                    "transform": {
                        "type": "jsonata",
                        "expression": '{"body": {"id": input.input.id, "m": input.with.method}}',
                    }
                }
            ]
        },
        path=["get-pet"],
        output={"id": 7, "m": "get"},
        constructs=("Task results",),
    ),
    Case(
        "a_function_of_the_document",
        document(
            task("f", call="getPet", **{"with": {"petId": "${ .id }"}}),
            use={
                "functions": {
                    "getPet": {"call": "http", "with": {"method": "get", "endpoint": "https://example.org/{petId}"}}
                }
            },
        ),
        {"id": 7},
        {"getPet": [{"transform": {"type": "jsonata", "expression": "input.with"}}]},
        path=["f"],
        output={"petId": 7},
        constructs=("call",),
    ),
    Case(
        "another_workflow",
        document(
            task(
                "r",
                run={
                    "workflow": {"namespace": "shop", "name": "ship", "version": "1.0.0", "input": {"id": "${ .id }"}}
                },
            )
        ),
        {"id": 2},
        {"workflow:shop.ship@1.0.0": [{"transform": {"type": "jsonata", "expression": '{"sent": input.id}'}}]},
        path=["r"],
        output={"sent": 2},
    ),
    Case(
        "a_script_outside",
        document(task("s", run={"script": {"language": "js", "code": "1", "arguments": {"n": "${ .n }"}}})),
        {"n": 2},
        {"script.s": [{"transform": {"type": "jsonata", "expression": "input.with.arguments"}}]},
        path=["s"],
        output={"n": 2},
    ),
    Case(
        "an_event",
        document(
            task(
                "e",
                emit={
                    "event": {
                        "with": {"type": "order.paid", "source": "https://example.org", "data": {"id": "${ .id }"}}
                    }
                },
            )
        ),
        {"id": 2},
        {"e": [{"output": {"id": "1"}}]},
        path=["e"],
        output={"id": 2},
    ),
]

FLOW = [
    *(
        Case(
            f"switch_{kind}",
            document(
                task(
                    "s",
                    switch=[
                        {"big": {"when": ".n > 10", "then": "big"}},
                        {"none": {"when": ".n == 0", "then": "end"}},
                        {"other": {"then": "small"}},
                    ],
                ),
                put("big", {"size": "big"}, then="exit"),
                put("small", {"size": "small"}),
                put("after", {"size": "${ .size }", "after": True}),
            ),
            {"n": number},
            path=path,
            output=result,
            constructs=("switch",),
        )
        for kind, number, path, result in (
            ("big", 11, ["s", "big"], {"size": "big"}),
            ("end", 0, ["s"], {"n": 0}),
            ("default", 5, ["s", "small", "after"], {"size": "small", "after": True}),
        )
    ),
    *(
        Case(
            f"if_{runs}",
            document(put("a", {"a": 1}, **{"if": ".n > 1"}), put("b", {"b": "${ . }"})),
            {"n": 2 if runs else 1},
            path=["a-if", "a", "b"] if runs else ["a-if", "b"],
            output={"b": {"a": 1} if runs else {"n": 1}},
            constructs=("if",),
        )
        for runs in (True, False)
    ),
    Case(
        "tasks_inside_of_a_task_leave_it_by_exit",
        document(
            put("first", {}),
            task("d", do=[put("a", {"a": 1}, then="exit"), put("never", {})]),
            put("b", {"b": "${ .a }"}),
        ),
        path=["first", "d", "a", "b"],
        output={"b": 1},
    ),
    Case(
        "a_do_with_an_output",
        document(
            task("d", input={"from": ".x"}, do=[put("a", {"a": "${ .y }"})], output={"as": ".a"}),
            put("b", {"b": "${ . }"}),
        ),
        {"x": {"y": 4}},
        path=["d", "d-input", "a", "b"],
        output={"b": 4},
    ),
    Case(
        "waiting",
        document(task("w", wait={"hours": 1, "seconds": 30}), task("v", wait="PT5S", output={"as": "{n: .n}"})),
        {"n": 1, "m": 2},
        path=["w", "v"],
        output={"n": 1},
    ),
    Case(
        "for_each",
        document(
            put("start", {"sum": 0, "l": "${ .l }"}),
            task(
                "f",
                **{
                    "for": {"each": "x", "in": ".l", "at": "i"},
                    "do": [put("add", {"sum": "${ .sum + $x }", "l": "${ .l }", "last": "${ $i }"})],
                },
            ),
            output={"as": "{sum: .sum, last: .last}"},
        ),
        {"l": [5, 6, 7]},
        path=["f", "f-next", "add", "f-next", "add", "f-next", "add", "f-next"],
        output={"sum": 18, "last": 2},
        constructs=("for",),
    ),
    Case(
        "for_while_and_for_of_nothing",
        document(
            task(
                "f",
                **{"for": {"in": ".l"}, "while": "$item < 6", "do": [put("add", {"n": "${ $item }", "l": "${ .l }"})]},
            ),
            task("g", **{"for": {"in": ".none"}, "do": [put("never", {})]}),
            put("end-data", {"n": "${ .n }"}),
        ),
        {"l": [5, 6], "none": []},
        path=["f", "f-next", "add", "f-next", "g", "g-next", "end-data"],
        output={"n": 5},
        constructs=("for",),
    ),
    Case(
        "fork",
        document(
            task("f", fork={"branches": [put("a", {"a": "${ .n }"}), task("b", wait={"seconds": 1}), put("c", [1])]}),
            put("d", {"all": "${ . }"}),
        ),
        {"n": 1},
        path=["f", "a", "b", "c", "d"],
        output={"all": [{"a": 1}, {"n": 1}, [1]]},
    ),
    Case(
        "listening",
        document(
            task(
                "one",
                listen={
                    "to": {
                        "one": {
                            "with": {"type": "paid"},
                            "correlate": {"id": {"from": ".data.id", "expect": "${ .id }"}},
                        }
                    }
                },
            ),
            task("all", listen={"to": {"all": [{"with": {"type": "a"}}, {"with": {"type": "b"}}]}, "read": "envelope"}),
            put("end-data", {"types": "${ map(.type) }"}),
        ),
        {"id": 1},
        {
            "one": [{"output": {"type": "paid", "data": {"id": 1}}}],
            "all-1": [{"output": {"type": "a"}}],
            "all-2": [{"output": {"type": "b"}}],
        },
        path=["one", "all", "all-1", "all-2", "end-data"],
        output={"types": ["a", "b"]},
    ),
]

FAILURES = [
    Case(
        "raise",
        document(
            task(
                "r",
                **{
                    "raise": {
                        "error": {
                            "type": "https://example.org/no-stock",
                            "status": 409,
                            "title": "No stock of ${ .sku }",
                        }
                    }
                },
            )
        ),
        {"sku": "a"},
        path=["r"],
        error="https://example.org/no-stock",
    ),
    Case(
        "raise_a_reusable_error",
        document(
            task("r", **{"raise": {"error": "gone"}}),
            use={"errors": {"gone": {"type": "https://example.org/gone", "status": 410}}},
        ),
        path=["r"],
        error="https://example.org/gone",
    ),
    Case(
        "catch",
        document(
            task(
                "t",
                **{
                    "try": [http("get")],
                    "catch": {
                        "errors": {"with": {"type": f"{ERRORS}communication", "status": 503}},
                        "as": "e",
                        "do": [put("handle", {"status": "${ $e.status }", "title": "${ $e.title }", "n": "${ .n }"})],
                    },
                },
            ),
            put("after", {"data": "${ . }"}),
        ),
        {"n": 1},
        {"http.get": FAILS},
        path=["t", "get", "handle", "after"],
        output={"data": {"status": 503, "title": "away", "n": 1}},
        constructs=("catch",),
    ),
    Case(
        "an_error_is_caught_behind_a_region_of_its_own",
        document(
            task(
                "t",
                **{
                    "try": [
                        task(
                            "inner",
                            **{"try": [http("get")], "catch": {"errors": {"with": {"type": "https://example.org/x"}}}},
                        )
                    ],
                    "catch": {"do": [put("handle", {"type": "${ $error.type }", "status": "${ $error.status + 1 }"})]},
                },
            )
        ),
        {},
        {"http.get": FAILS},
        path=["t", "inner", "get", "handle"],
        output={"type": f"{ERRORS}communication", "status": 504},
    ),
    Case(
        "an_error_that_is_not_caught",
        document(task("t", **{"try": [http("get")], "catch": {"errors": {"with": {"status": 404}}}})),
        {},
        {"http.get": FAILS},
        path=["t", "get"],
        error="BranchFailed",
        constructs=("catch",),
    ),
    Case(
        "retry",
        document(
            task("t", **{"try": [http("get")], "catch": {"retry": "often"}}),
            use={
                "retries": {
                    "often": {
                        "delay": {"seconds": 3},
                        "backoff": {"exponential": {}},
                        "limit": {"attempt": {"count": 2}},
                    }
                }
            },
        ),
        {},
        {"http.get": [*FAILS, *FAILS, {"output": {"ok": True}}]},
        path=["t", "get", "t", "get", "t", "get"],
        output={"ok": True},
        constructs=("retry",),
    ),
    Case(
        "the_first_branch_wins",
        document(
            task("f", fork={"compete": True, "branches": [http("slow"), http("fast"), http("broken")]}),
            put("after", {"won": "${ .by }"}),
        ),
        {},
        {
            "http.slow": [{"output": {"by": "slow"}, "duration": "PT9S"}],
            "http.fast": [{"output": {"by": "fast"}, "duration": "PT2S"}],
            "http.broken": FAILS,
        },
        path=["f", "slow", "fast", "broken", "after"],
        output={"won": "fast"},
        constructs=("fork",),
    ),
    Case(
        "retry_with_linear_delays",
        document(
            task(
                "t",
                **{
                    "try": [http("get")],
                    "catch": {
                        "retry": {
                            "delay": {"seconds": 3},
                            "backoff": {"linear": {}},
                            "limit": {"attempt": {"count": 2}},
                        }
                    },
                },
            )
        ),
        {},
        {"http.get": [*FAILS, *FAILS, {"output": {"ok": True}}]},
        path=["t", "get", "t", "get", "t", "get"],
        output={"ok": True},
        constructs=("retry",),
    ),
    Case(
        "a_timeout_is_caught",
        document(
            task(
                "t",
                **{
                    "try": [http("get", timeout={"after": {"seconds": 1}})],
                    "catch": {
                        "errors": {"with": {"type": f"{ERRORS}timeout"}},
                        "do": [put("late", {"late": "${ $error.type }", "status": "${ $error.status }"})],
                    },
                },
            )
        ),
        {},
        {"http.get": [{"output": {}, "duration": "PT2S"}]},
        path=["t", "get", "late"],
        output={"late": f"{ERRORS}timeout", "status": None},
    ),
]

CASES = [*DATA, *FLOW, *FAILURES]
