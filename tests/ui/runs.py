"""Workflows whose runs the tests of the tab "Workflow" look at."""

from __future__ import annotations

from typing import Any

from tests.support.documents import step, workflow
from tests.ui.definitions import hostile


def cel(expression: str) -> dict[str, str]:
    """Return a value of a component."""
    return {"type": "cel", "expression": expression}


def component(component_id: str, priority: int, condition: str | None = None, **context: Any) -> dict[str, Any]:
    """Return a component of a page."""
    found = {"componentId": component_id, "priority": priority, "context": context}
    return found if condition is None else {**found, "condition": condition}


LOAN: dict[str, Any] = {
    "workflowId": "ui.loan",
    "name": "Loan application",
    "version": "1.0.0",
    "steps": [
        {
            "stepId": "register",
            "taskId": "set",
            "name": "Register the application",
            "arguments": {"reference": "A-17", "rate": 0.125},
            "compensation": {"taskId": "noop"},
        },
        {
            "stepId": "checks",
            "taskId": "noop",
            "name": "Check the customer",
            "parallelBranches": [
                {"branchId": "identity", "steps": [{"stepId": "compare", "taskId": "noop", "name": "Compare papers"}]},
                {
                    "branchId": "credit",
                    "steps": [
                        {"stepId": "score", "taskId": "set", "name": "Ask for the score", "arguments": {"score": 71}}
                    ],
                },
            ],
        },
        {
            "stepId": "remind",
            "taskId": "set",
            "name": "Collect papers",
            "arguments": {"asked": cel("has(variables.asked) ? variables.asked + 1 : 1")},
            "assign": {"asked": {"type": "jmespath", "expression": "output.asked"}},
            "next": [{"nextStepId": "remind", "condition": "output.asked < 3"}, {"nextStepId": "decide"}],
        },
        {
            "stepId": "decide",
            "taskId": "noop",
            "name": "Decide",
            "next": [
                {"nextStepId": "pay", "condition": "data.amount <= 1000.0 && data.score > 50"},
                {"nextStepId": "refuse"},
            ],
        },
        {
            "stepId": "pay",
            "taskId": "set",
            "name": "Pay out",
            "arguments": {"paid": True},
            "onFailure": {"action": "continue", "nextStepId": "refuse"},
            "next": [],
        },
        {
            "stepId": "refuse",
            "taskId": "fail",
            "name": "Refuse",
            "arguments": {"type": "Refused", "message": hostile("refusal")},
        },
    ],
    "onFailure": {"action": "stop", "compensate": True},
    "executionLog": {"level": "debug", "redact": ["input.pin"]},
    "uiComponents": [
        component("note", 1, title="Look twice", layout="alert", tone="warning", description="It is **urgent**."),
        component(
            "facts",
            2,
            title="Application",
            layout="card",
            description=hostile("component"),
            items=[
                {"label": "Customer", "value": cel("data.customer")},
                {"label": "Amount", "value": cel("data.amount"), "format": "number"},
                {"label": "Rate", "value": {"type": "jmespath", "expression": "data.rate"}, "format": "percent"},
                {"label": "Papers", "value": "javascript:window.hacked='link'", "format": "link"},
            ],
        ),
        component(
            "lines",
            3,
            title="Lines",
            layout="table",
            rows=cel("data.lines"),
            columns=[
                {"label": "No.", "value": cel("rowIndex + 1")},
                {"label": "Article", "value": {"type": "jmespath", "expression": "row.sku"}},
            ],
        ),
        component("times", 4, title="When", layout="timeline"),
        component("picture", 5, title="How", layout="graph"),
        component("questions", 6, title="Questions", layout="form"),
        component("own", 7, title="Of nobody's", items=[{"label": "Known", "value": "as a card"}]),
        component("odd", 8, title="Odd", layout="carousel", items=[{"label": "Drawn", "value": "as a card"}]),
        component("errs", 9, "data.nothing > 1", title="Never seen"),
        component("margin", 10, "'admin' in user.roles", title="Margin for us", items=[{"label": "M", "value": 815}]),
    ],
}

VISIT: dict[str, Any] = {
    "workflowId": "ui.visit",
    "name": "Visit",
    "version": "1.0.0",
    "steps": [
        {"stepId": "prepare", "taskId": "set", "name": "Prepare", "arguments": {"room": "Blue"}},
        {
            "stepId": "ask",
            "taskId": "form",
            "name": "Ask the guest",
            "arguments": {
                "subject": "Who comes?",
                "body": "Please say **who** comes.",
                "schema": {
                    "type": "object",
                    "properties": {"guest": {"type": "string", "minLength": 2, "title": "Guest"}},
                    "required": ["guest"],
                },
            },
        },
        {
            "stepId": "greet",
            "taskId": "set",
            "name": "Greet",
            "arguments": {"text": cel("'Hello ' + steps.ask.output.form.guest")},
        },
    ],
}

PARCEL = workflow(
    step("find", "set", arguments={"shipment": {"place": "Hamburg <b>"}}),
    workflowId="ui.parcel",
    name="Parcel",
    uiComponents=[{"componentId": "shipment-map", "context": {"zoom": 7}}],
)

DISPATCH = workflow(
    step("send", "workflow:ui.shipment", name="Send the shipment"), workflowId="ui.dispatch", name="Dispatch"
)

AWAITING = workflow(
    step(
        "paid",
        "receive",
        name="Wait for the payment",
        arguments={"eventPattern": "ui.payment.*", "correlation": {"number": cel("data.number")}},
    ),
    workflowId="ui.awaiting",
    name="Awaiting",
)

STUCK = workflow(
    step("open", name="Open"),
    step(
        "pay",
        "fail",
        name="Pay",
        arguments={"type": "NoMoney", "message": cel("'not for ' + string(data.amount)")},
    ),
    step("close", "set", name="Close", arguments={"receipt": cel("steps.pay.output.receipt")}),
    workflowId="ui.stuck",
    name="Stuck",
)

HELD = workflow(
    step("wait", "wait", name="Wait", arguments={"duration": "PT1H"}),
    step("after", name="After"),
    workflowId="ui.held",
    name="Held",
)

LONG: dict[str, Any] = {
    "workflowId": "ui.long",
    "name": "Five hundred steps",
    "version": "1.0.0",
    "steps": [{"stepId": f"s{n:03}", "taskId": "noop", "name": f"Step number {n}"} for n in range(500)],
}

MANY: dict[str, Any] = {
    "workflowId": "ui.many",
    "name": "Sixty steps",
    "version": "1.0.0",
    "steps": [
        step
        for n in range(20)
        for step in (
            {
                "stepId": f"gather{n}",
                "taskId": "noop",
                "name": f"Gather data {n}",
                "next": [
                    {"nextStepId": f"hand{n}", "condition": f"data.amount > {n}00.0"},
                    {"nextStepId": f"rule{n}"},
                ],
            },
            *(
                {
                    "stepId": f"{way}{n}",
                    "taskId": "noop",
                    "name": f"Check by {way} {n}",
                    "next": [{"nextStepId": f"gather{n + 1}" if n < 19 else "end"}],
                }
                for way in ("hand", "rule")
            ),
        )
    ],
}
