"""A definition in sentences."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_workflow_provider.model.definition import END, FAIL
from airflow_workflow_provider.model.flow import Flow, workflow_targets
from airflow_workflow_provider.model.sentences import sentences
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.model.ways import every_step, inner_lists
from tests.support.examples import EXAMPLES

NAMES = sorted(
    path.name
    for path in EXAMPLES.glob("*.json")
    if not path.name.endswith((".input.json", ".mocks.json", ".scenario.json"))
)


def sentences_of(document: Any) -> list[str]:
    return list(sentences(parse_definition(document)))


def workflow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": [*steps], **more}


@pytest.mark.parametrize("name", NAMES)
def test_every_step_and_every_way_is_described(name: str) -> None:
    definition = parse_definition(json.loads((EXAMPLES / name).read_text()))
    text = "\n".join(sentences(definition))
    lists = [(definition.steps, workflow_targets(definition))]
    for _, step in every_step(definition.steps):
        assert f"{step.step_id}: " in text
        lists += [(inner.steps, ()) for inner in inner_lists(step)]
    for steps, named in lists:
        flow = Flow.of(steps, named_before=named)
        for step in steps:
            targets = {way.target for way in flow.ways(step.step_id)} - {END, FAIL}
            targets -= {f"{step.step_id}.compensation", *(inner.way.target for inner in inner_lists(step))}
            assert all(f"it goes to {target}." in text for target in targets), (step.step_id, targets)


@pytest.mark.parametrize(
    ("policy", "pauses"),
    [
        (
            {"maxAttempts": 3, "delay": "PT5S", "strategy": "linear"},
            ", 5 seconds apart and each time longer by as much",
        ),
        ({"maxAttempts": 2, "delay": "PT5S", "strategy": "linear"}, ", 5 seconds apart"),
        ({"maxAttempts": 3, "strategy": "linear"}, ""),
    ],
)
def test_pauses_between_attempts(policy: dict[str, Any], pauses: str) -> None:
    lines = sentences_of(workflow({"stepId": "a", "taskId": "noop", "retryPolicy": policy}))

    assert f"   An attempt is repeated, up to {policy['maxAttempts']} attempts in all{pauses}." in lines


def test_what_a_step_does_and_where_it_leads() -> None:
    step = {
        "stepId": "charge",
        "taskId": "http",
        "name": "Charge",
        "timeout": "P1DT1H30S",
        "retryPolicy": {
            "maxAttempts": 3, "delay": "PT90S", "strategy": "exponential", "multiplier": 1.5, "doNotRetryOn": ["No"]
        },
        "next": [{"condition": "data.paid", "nextStepId": "end"}, {"nextStepId": "fail"}],
        "onFailure": {
            "action": "continue", "errorHandler": {"conditions": [{"errorType": "Declined", "nextStepId": "refused"}]}
        },
        "compensation": {"taskId": "refund"},
    }  # fmt: skip
    assert sentences_of(workflow(step, {"stepId": "refused", "taskId": "noop"}))[4:15] == [
        '1. charge: "Charge" runs the task http.',
        "   It fails with TimeoutError if it takes longer than 1 day 1 hour 30 seconds.",
        "   An attempt is repeated, up to 3 attempts in all, 1 minute 30 seconds apart and each time 1.5 times as "
        "long, but not after No.",
        "   If data.paid, this path ends.",
        "   Otherwise the workflow fails.",
        "   If it fails with Declined, it goes to refused.",
        "   If it fails otherwise, it continues as after a success, with an empty output.",
        "   If the workflow is undone, the task refund undoes this step.",
        "2. refused: runs the task noop.",
        "   Then this path ends.",
        "",
    ]


def test_how_it_starts_and_ends() -> None:
    lines = sentences_of(
        workflow(
            {"stepId": "a", "taskId": "noop"},
            triggers=[
                {"eventPattern": "orders.*"},
                {
                    "schedule": {
                        "every": "PT2H",
                        "startDate": "2026-01-01T00:00:00Z",
                        "catchup": True,
                        "input": {"type": "jmespath", "expression": "{id: localTime}"},
                    }
                },
            ],
            inputSchema={"properties": {"id": {"type": ["string", "null"]}, "any": True}, "required": ["id"]},
            settings={
                "concurrency": {"limit": 2, "key": {"type": "jmespath", "expression": "input.id"}, "onLimit": "skip"}
            },
            onFailure={"action": "continue", "nextStepId": "a", "compensate": True},
            output={"type": "jmespath", "expression": "data"},
        )
    )
    assert lines[3:8] == [
        "It starts with each event 'orders.*'.",
        "It starts every 2 hours from 2026-01-01T00:00:00Z (missed times are made up for).",
        "It takes:",
        "  - id (string or null), required",
        "  - any",
    ]
    assert lines[-6:] == [
        "At most 2 instances with the same input.id run at the same time. One more is cancelled at once.",
        "A failure that no step handles fails the workflow.",
        "Then what was done is undone, the newest step first.",
        "On such a failure with any error, it goes to a.",
        "It then counts as completed.",
        "Its result is data.",
    ]


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({}, "at most 16 at a time."),
        ({"toleratedFailures": 0}, "at most 16 at a time."),
        ({"toleratedFailurePercentage": 2.5}, "at most 16 at a time. Up to 2.5 % of them may fail."),
        (
            {"maxConcurrency": {"type": "jmespath", "expression": "input.n"}, "toleratedFailures": 3,
             "toleratedFailurePercentage": {"type": "jsonata", "expression": "1 +\n1"}},
            "at most input.n at a time. Up to 3 or 1 + 1 % of them, whichever is less, may fail.",
        ),
    ],
)  # fmt: skip
def test_bounds_of_items(bounds: dict[str, Any], said: str) -> None:
    each = {"items": {"type": "jmespath", "expression": "data.all"}, "steps": [], **bounds}
    step = {"stepId": "a", "taskId": "noop", "forEach": each, "timeout": {"type": "jmespath", "expression": "input.t"}}
    lines = sentences_of(workflow(step))

    assert f"   Its steps then run for each item of data.all, {said}" in lines
    assert "   It fails with TimeoutError if it takes longer than input.t." in lines


def test_a_task_that_is_selected() -> None:
    choice = {"oneOf": ["noop", "workflow:other"], "select": {"type": "jmespath", "expression": "input.task"}}
    lines = sentences_of(workflow({"stepId": "a", "taskId": choice}))
    assert "1. a: runs the task noop or workflow:other, as input.task says." in lines


def test_a_deadline() -> None:
    lines = sentences_of(workflow({"stepId": "a", "taskId": "noop"}, settings={"deadline": "P1D"}))
    assert "It is reported once if it has not ended 1 day after its start." in lines


def test_a_join() -> None:
    branches = [{"branchId": name, "steps": []} for name in "xyz"]
    step = {"stepId": "a", "taskId": "noop", "join": {"atLeast": 2}, "parallelBranches": branches}
    said = (
        "   Its 3 branches then run at the same time. It continues when 2 of them have completed, and stops the others."
    )

    assert said in sentences_of(workflow(step))


def test_branches_and_items_stand_inside_of_their_step() -> None:
    branches = [{"branchId": "x", "steps": [{"stepId": "b", "taskId": "noop"}]}, {"branchId": "y", "steps": []}]
    items = {"items": {"type": "jmespath", "expression": "data.all"}, "as": "one", "toleratedFailures": 1,
             "steps": [{"stepId": "d", "taskId": "noop"}]}  # fmt: skip
    lines = sentences_of(
        workflow(
            {"stepId": "a", "taskId": "noop", "parallelBranches": branches},
            {"stepId": "c", "taskId": "noop", "forEach": items},
        )
    )
    assert [line for line in lines[3:-3] if line] == [
        "1. a: runs the task noop.",
        "   Its 2 branches then run at the same time.",
        "   Branch x:",
        "     1. b: runs the task noop.",
        "        Then this path ends.",
        "   Branch y: nothing.",
        "   Then it goes to c.",
        "2. c: runs the task noop.",
        "   Its steps then run for each item of data.all, at most 16 at a time. Up to 1 of them may fail.",
        "   For each one:",
        "     1. d: runs the task noop.",
        "        Then this path ends.",
        "   Then this path ends.",
    ]


def test_no_text_of_a_definition_begins_a_line_or_obeys_a_terminal() -> None:
    hostile = "x\n\x1b[2Jy"
    step = {"stepId": "a", "taskId": "noop", "name": hostile, "description": hostile}
    lines = sentences_of(workflow(step, description=hostile, inputSchema={"properties": {hostile: {"title": hostile}}}))
    assert not [line for line in lines if "\n" in line or "\x1b" in line]
