"""Workflows that use every construct of Conductor, with what its documentation says they do."""

from __future__ import annotations

from typing import Any

from tests.support.imports import Case


def workflow(tasks: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"name": "orders", "version": 2, "schemaVersion": 2, "tasks": tasks, **fields}


def task(ref: str, kind: str = "SIMPLE", **fields: Any) -> dict[str, Any]:
    return {"name": fields.pop("name", ref), "taskReferenceName": ref, "type": kind, **fields}


def script(source: str, **given: Any) -> Case:
    return Case(
        f"script_{source[:30]}",
        workflow(
            [task("s", "INLINE", inputParameters={"evaluatorType": "javascript", "expression": source, **given})],
            outputParameters={"r": "${s.output.result}"},
        ),
        path=["s"],
        constructs=("INLINE",),
    )


def query(source: str, **given: Any) -> Case:
    return Case(
        f"query_{source[:30]}",
        workflow(
            [task("q", "JSON_JQ_TRANSFORM", inputParameters={"queryExpression": source, **given})],
            outputParameters={"r": "${q.output.result}"},
        ),
        path=["q"],
        constructs=("JSON_JQ_TRANSFORM",),
    )


def giving(case: Case, value: Any) -> Case:
    case.output = {"r": value}
    return case


TASKS = [
    Case(
        "references",
        workflow(
            [
                task(
                    "first",
                    name="charge",
                    inputParameters={
                        "id": "${workflow.input.order.id}",
                        "n": 1,
                        "t": "No ${workflow.input.order.id}${workflow.input.none}!",
                    },
                ),
                task(
                    "second-task",
                    inputParameters={
                        "whole": "${first.output}",
                        "part": "${first.output.lines[0].sku}",
                        "missing": "${first.output.none.deeper}",
                        "given": "${first.input.t}",
                        "list": ["${first.output.ok}", {"x": "${workflow.input.order}"}],
                        "unknown": "${nobody.output.x}",
                    },
                ),
            ],
            inputParameters=["order"],
            outputParameters={"seen": "${second-task.output.in}", "state": "${first.status}"},
        ),
        {"order": {"id": 7}},
        {
            "charge": [{"output": {"ok": True, "lines": [{"sku": "a"}]}}],
            "second-task": [{"transform": {"type": "jsonata", "expression": '{"in": input}'}}],
        },
        path=["first", "second-task"],
        output={
            "seen": {
                "whole": {"ok": True, "lines": [{"sku": "a"}]},
                "part": "a",
                "missing": None,
                "given": "No 7!",
                "list": [True, {"x": {"id": 7}}],
                "unknown": None,
            },
            "state": "completed",
        },
        constructs=("Reference", "Task definitions"),
    ),
    Case(
        "defaults_of_the_input",
        workflow([task("t", "NOOP")], inputTemplate={"n": 5}, outputParameters={"n": "${workflow.input.n}"}),
        path=["t"],
        output={"n": 5},
    ),
    Case(
        "without_output_parameters_the_last_output_counts",
        workflow([task("a"), task("b")]),
        {},
        {"a": [{"output": {"x": 1}}], "b": [{"output": {"y": 2}}]},
        path=["a", "b"],
        output={"y": 2},
    ),
    Case(
        "variables",
        workflow(
            [task("v", "SET_VARIABLE", inputParameters={"n": "${workflow.input.n}"})],
            variables={"n": 0, "kept": "k"},
            outputParameters={"n": "${workflow.variables.n}", "kept": "${workflow.variables.kept}"},
        ),
        {"n": 3},
        path=["v"],
        output={"n": 3, "kept": "k"},
    ),
    Case(
        "a_timeout_that_only_alerts",
        workflow(
            [task("t", taskDefinition={"timeoutSeconds": 10, "timeoutPolicy": "ALERT_ONLY"})],
            timeoutSeconds=5,
            timeoutPolicy="ALERT_ONLY",
        ),
        {},
        {"t": [{"output": {"ok": 1}, "duration": "PT11S"}]},
        path=["t"],
        output={"ok": 1},
    ),
    Case(
        "retries_and_a_timeout_of_a_task",
        workflow(
            [
                task(
                    "t",
                    retryCount=1,
                    taskDefinition={
                        "retryDelaySeconds": 5,
                        "retryLogic": "EXPONENTIAL_BACKOFF",
                        "timeoutSeconds": 10,
                        "timeoutPolicy": "RETRY",
                    },
                )
            ]
        ),
        {},
        {"t": [{"output": {}, "duration": "PT11S"}, {"output": {"ok": 1}}]},
        path=["t", "t"],
        output={"ok": 1},
    ),
    Case(
        "linear_delays_of_a_task",
        workflow(
            [
                task(
                    "t",
                    retryCount=3,
                    taskDefinition={
                        "retryDelaySeconds": 5,
                        "retryLogic": "LINEAR_BACKOFF",
                        "backoffScaleFactor": 2,
                        "maxRetryDelaySeconds": 25,
                    },
                )
            ]
        ),
        {},
        {"t": [{"error": {"type": "Busy"}}] * 3 + [{"output": {"ok": 1}}]},
        path=["t"] * 4,
        output={"ok": 1},
    ),
    Case(
        "an_optional_task_may_fail",
        workflow([task("t", optional=True), task("u")]),
        {},
        {"t": [{"error": {"type": "Broken"}}], "u": [{"output": {"ok": 1}}]},
        path=["t", "u"],
        output={"ok": 1},
    ),
    Case(
        "a_delay",
        workflow([task("t", "NOOP", startDelay=30)], outputParameters={"done": "${t.status}"}),
        path=["t-delay", "t"],
        output={"done": "completed"},
        constructs=("startDelay",),
    ),
    Case(
        "waiting",
        workflow(
            [
                task("w", "WAIT", inputParameters={"duration": "1 hour 30 minutes"}),
                task("d", "WAIT", inputParameters={"duration": "2 days"}),
                task("s", "WAIT", inputParameters={}),
            ]
        ),
        {},
        {"s": [{"output": {"data": {"output": {"by": "ada"}}}}]},
        path=["w", "d", "s"],
        output={"by": "ada"},
        constructs=("WAIT",),
    ),
    Case(
        "a_person",
        workflow([task("h", "HUMAN", name="Look at it")], outputParameters={"ok": "${h.output.ok}"}),
        {},
        {"h": [{"output": {"decision": "submit", "form": {"ok": True}}}]},
        path=["h"],
        output={"ok": True},
        constructs=("HUMAN",),
    ),
    Case(
        "an_event",
        workflow(
            [task("e", "EVENT", sink="conductor:order_paid", inputParameters={"id": "${workflow.input.id}"})],
            outputParameters={"t": "${e.output.type}"},
        ),
        {"id": 1},
        {"e": [{"output": {"type": "conductor.order_paid"}}]},
        path=["e"],
        output={"t": "conductor.order_paid"},
        constructs=("EVENT",),
    ),
    Case(
        "system_tasks_are_tasks",
        workflow(
            [
                task(
                    "h",
                    "HTTP",
                    inputParameters={
                        "http_request": {"uri": "https://example.org/${workflow.input.id}", "method": "GET"}
                    },
                )
            ],
            outputParameters={"u": "${h.output.u}"},
        ),
        {"id": 4},
        {"http-task": [{"transform": {"type": "jsonata", "expression": '{"u": input.http_request.uri}'}}]},
        path=["h"],
        output={"u": "https://example.org/4"},
    ),
    Case(
        "sub_workflows_written_inside_and_elsewhere",
        workflow(
            [
                task("c", "SUB_WORKFLOW", inputParameters={"n": 2}, subWorkflowParam={"name": "ship"}),
                task(
                    "i",
                    "SUB_WORKFLOW",
                    inputParameters={"m": "${c.output.m}"},
                    subWorkflowParam={
                        "name": "inner",
                        "workflowDefinition": {
                            "name": "inner",
                            "tasks": [task("x", "NOOP")],
                            "outputParameters": {"m": "${workflow.input.m}"},
                        },
                    },
                ),
            ]
        ),
        {},
        {"workflow:ship": [{"transform": {"type": "jsonata", "expression": '{"m": input.n + 1}'}}]},
        path=["c", "i"],
        output={"m": 3},
    ),
    Case(
        "a_failing_workflow_runs_another",
        workflow([task("t")], failureWorkflow="cleanup"),
        {},
        {"t": [{"error": {"type": "Broken", "message": "why"}}], "workflow:cleanup": [{"output": {}}]},
        path=["t", "failure-workflow"],
        error="Broken",
        constructs=("failureWorkflow",),
    ),
]

FLOW = [
    *(
        Case(
            f"switch_{value}",
            workflow(
                [
                    task(
                        "s",
                        "SWITCH",
                        evaluatorType="value-param",
                        expression="kind",
                        inputParameters={"kind": "${workflow.input.kind}"},
                        decisionCases={
                            "card": [task("card", "NOOP"), task("more", "NOOP")],
                            "1": [task("one", "NOOP")],
                            "none": [],
                        },
                        defaultCase=[
                            task(
                                "other",
                                "TERMINATE",
                                inputParameters={
                                    "terminationStatus": "FAILED",
                                    "terminationReason": "no ${workflow.input.kind}",
                                },
                            )
                        ],
                    ),
                    task("after", "NOOP"),
                ],
                outputParameters={"case": "${s.output.selectedCase}"},
            ),
            {"kind": value},
            path=["s", *path],
            output=None if error else {"case": str(value)},
            error=error,
        )
        for value, path, error in (
            ("card", ["card", "more", "after"], None),
            (1, ["one", "after"], None),
            ("none", ["after"], None),
            ("x", ["other"], "WorkflowFailed"),
        )
    ),
    Case(
        "decisions_by_a_script",
        workflow(
            [
                task(
                    "d",
                    "DECISION",
                    caseExpression="if ($.n > 10) { 'big'; } else { 'small'; }",
                    inputParameters={"n": "${workflow.input.n}"},
                    decisionCases={"big": [task("big", "NOOP")], "small": [task("small", "NOOP")]},
                ),
            ],
            outputParameters={"case": "${d.output.selectedCase}"},
        ),
        {"n": 11},
        path=["d", "big"],
        output={"case": "big"},
        constructs=("DECISION",),
    ),
    Case(
        "a_loop",
        workflow(
            [
                task(
                    "l",
                    "DO_WHILE",
                    inputParameters={"most": 3},
                    loopCondition="if ($.l['iteration'] < $.most && $.t['stop'] !== true) { true; } else { false; }",
                    loopOver=[task("t", inputParameters={"at": "${l.output.iteration}"})],
                ),
            ],
            outputParameters={"n": "${l.output.iteration}", "at": "${t.output.at}"},
        ),
        {},
        {"t": [{"transform": {"type": "jsonata", "expression": '{"at": input.at, "stop": input.at = 2}'}}]},
        path=["l", "t", "l-again", "l", "t", "l-again"],
        output={"n": 2, "at": 2},
        constructs=("DO_WHILE",),
    ),
    Case(
        "a_loop_in_a_loop_counts_from_the_start",
        workflow(
            [
                task(
                    "o",
                    "DO_WHILE",
                    loopCondition="$.o['iteration'] < 2",
                    loopOver=[
                        task("i", "DO_WHILE", loopCondition="$.i['iteration'] < 2", loopOver=[task("t", "NOOP")])
                    ],
                ),
            ],
            outputParameters={"o": "${o.output.iteration}", "i": "${i.output.iteration}"},
        ),
        path=["o", "i-start", "i", "t", "i-again", "i", "t", "i-again", "o-again"] * 2,
        output={"o": 2, "i": 2},
        constructs=("DO_WHILE",),
    ),
    Case(
        "fork_and_join",
        workflow(
            [
                task(
                    "f",
                    "FORK_JOIN",
                    forkTasks=[[task("a"), task("b", inputParameters={"n": "${a.output.n}"})], [task("c")]],
                ),
                task("j", "JOIN", joinOn=["b", "c"]),
                task("after", inputParameters={"both": "${j.output}"}),
            ]
        ),
        {},
        {
            "a": [{"output": {"n": 1}}],
            "b": [{"transform": {"type": "jsonata", "expression": '{"b": input.n}'}}],
            "c": [{"output": {"c": 2}}],
            "after": [{"transform": {"type": "jsonata", "expression": "input.both"}}],
        },
        path=["f", "a", "c", "b", "j", "after"],
        output={"b": {"b": 1}, "c": {"c": 2}},
        constructs=("JOIN",),
    ),
    Case(
        "one_task_for_many_inputs",
        workflow(
            [
                task(
                    "d",
                    "FORK_JOIN_DYNAMIC",
                    inputParameters={"forkTaskName": "resize", "forkTaskInputs": "${workflow.input.images}"},
                ),
                task("j", "JOIN"),
            ],
            outputParameters={"all": "${d.output.items[*].r}"},
        ),
        {"images": [{"n": 1}, {"n": 2}]},
        {"resize": [{"transform": {"type": "jsonata", "expression": '{"r": input.n * 10}'}}]},
        path=["d", "d-item", "d-item", "j"],
        output={"all": [10, 20]},
    ),
    Case(
        "exclusive_join",
        workflow(
            [
                task(
                    "s",
                    "SWITCH",
                    evaluatorType="value-param",
                    expression="k",
                    inputParameters={"k": "x"},
                    decisionCases={"x": [task("a")]},
                    defaultCase=[task("b")],
                ),
                task("e", "EXCLUSIVE_JOIN", joinOn=["a", "b"]),
            ]
        ),
        {},
        {"a": [{"output": {"n": 1}}]},
        path=["s", "a", "e"],
        output={"n": 1},
    ),
    Case(
        "terminate_completed_ends_with_its_own_output",
        workflow(
            [
                task(
                    "s",
                    "SWITCH",
                    evaluatorType="value-param",
                    expression="k",
                    inputParameters={"k": "${workflow.input.k}"},
                    decisionCases={
                        "x": [
                            task(
                                "t",
                                "TERMINATE",
                                inputParameters={
                                    "terminationStatus": "COMPLETED",
                                    "workflowOutput": {"early": "${workflow.input.k}"},
                                },
                            )
                        ]
                    },
                ),
                task("after", "NOOP"),
            ],
            outputParameters={"late": True},
        ),
        {"k": "x"},
        path=["s", "t"],
        output={"early": "x"},
    ),
    Case(
        "tasks_after_the_end_are_left_out",
        workflow([task("t", "TERMINATE", inputParameters={"terminationStatus": "FAILED"}), task("never")]),
        path=["t"],
        error="WorkflowFailed",
    ),
]

SCRIPTS = [
    giving(script("$.a + $.b", a=1, b=2), 3),
    giving(script("(function () { return { total: $.a * 2, t: 'n ' + $.a }; })();", a=2), {"total": 4, "t": "n 2"}),
    giving(script("function f() { if ($.a == null) { return 'none'; } return $.a; } f();", a=None), "none"),
    giving(script("$.a || 'default'", a=""), "default"),
    giving(script("$.a && $.a.b", a={"b": [1]}), [1]),
    giving(script("$.a !== 1 ? 'x' : 'y'", b=0), "x"),
    giving(script("var n = $.l.length; return [n, $.l[0], -n, !n];", l=[4, 5]), [2, 4, -2, False]),
    giving(script("$.s.toUpperCase() + Math.floor($.n) // done", s="a", n=2.5), "A2"),
    giving(script("($.n - 1) % 3 >= 1 && $.s.includes('b')", n=3, s="abc"), True),
]

QUERIES = [
    giving(query(".a.b", a={"b": 1}), 1),
    giving(query('.a + {status: "sold"}', a={"n": 1}), {"n": 1, "status": "sold"}),
    giving(query("[.l[] | {id: .id, twice: (.n * 2)}]", l=[{"id": "a", "n": 1}]), [{"id": "a", "twice": 2}]),
    giving(query("[.l[] | select(.n > 1) | .n]", l=[{"n": 1}, {"n": 2}]), [2]),
    giving(query(".l | map(select(.n > 1))", l=[{"n": 1}, {"n": 2}]), [{"n": 2}]),
    giving(query(".l | map(.n) | length", l=[{"n": 1}, {"n": 2}]), 2),
    giving(query('if .n > 1 then "many" elif .n == 1 then "one" else "none" end', n=1), "one"),
    giving(query('.none // "x"', n=1), "x"),
    giving(query('"n is \\(.n)!"', n=1), "n is 1!"),
    giving(query("{n, m: .none, l: [.n, null]}", n=1), {"n": 1, "m": None, "l": [1, None]}),
    giving(query(".n as $n | .l[1:] + [$n]", n=1, l=[2, 3]), [3, 1]),
    giving(query('.["a b"] == null and .n != 2 and (.o | has("x") | not)', n=1, o={}), True),
]

CASES = [*TASKS, *FLOW, *SCRIPTS, *QUERIES]
