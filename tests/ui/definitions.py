"""Workflows for the tests of what people see."""

from __future__ import annotations

from typing import Any

HOSTILE = "<img src=x onerror=\"window.hacked='{place}'\"><script>window.hacked='{place}'</script>"
LINK = "[click](javascript:window.hacked='{place}') <a href=\"javascript:window.hacked='{place}'\">here</a>"


def hostile(place: str) -> str:
    """Return a text that runs a script wherever it becomes HTML."""
    return HOSTILE.format(place=place) + LINK.format(place=place)


ORDER: dict[str, Any] = {
    "workflowId": "ui.order",
    "name": "Order",
    "description": "Takes an order. Large ones are **looked at**.",
    "version": "1.0.0",
    "inputSchema": {
        "type": "object",
        "properties": {
            "amount": {"type": "number", "minimum": 1, "title": "Amount", "description": "Total in euros"},
            "customer": {"type": "string", "title": "Customer", "pattern": "^[A-Z]"},
            "express": {"type": "boolean", "title": "Express"},
            "lines": {
                "type": "array",
                "title": "Lines",
                "items": {"type": "object", "properties": {"sku": {"type": "string", "title": "Article"}}},
            },
        },
        "required": ["amount", "customer"],
        "additionalProperties": False,
    },
    "triggers": [{"eventPattern": "ui.order.*", "description": "The shop has **an order**"}],
    "steps": [
        {
            "stepId": "register",
            "taskId": "set",
            "name": "Register the order",
            "arguments": {"ok": True},
            "next": [{"nextStepId": "look", "condition": "data.amount > 1000.0"}, {"nextStepId": "end"}],
        },
        {"stepId": "look", "taskId": "set", "name": "Look at it", "arguments": {"by": "manager"}},
    ],
}
NEWER_ORDER = {
    **ORDER,
    "version": "1.1.0",
    "steps": [{**ORDER["steps"][0], "name": "Register the order twice"}, ORDER["steps"][1]],
}
BROKEN: dict[str, Any] = {
    "workflowId": "ui.broken",
    "name": "Always fails",
    "version": "1.0.0",
    "steps": [{"stepId": "give-up", "taskId": "fail", "arguments": {"message": hostile("error")}}],
}
SHIPMENT: dict[str, Any] = {
    "workflowId": "ui.shipment",
    "name": "Shipment",
    "version": "1.0.0",
    "inputSchema": {"type": "object", "properties": {"weight": {"type": "number"}}, "required": ["weight"]},
    "triggers": [{"eventPattern": "ui.shipment.sent"}],
    "steps": [{"stepId": "ship", "taskId": "set", "arguments": {"ok": True}}],
}
EVIL: dict[str, Any] = {
    "workflowId": "ui.evil",
    "name": hostile("name"),
    "description": hostile("description"),
    "version": "1.0.0",
    "inputSchema": {
        "type": "object",
        "properties": {
            "text": {
                "type": "string",
                "title": hostile("title"),
                "description": hostile("help"),
                "default": hostile("default"),
            },
            "choice": {"enum": [hostile("enum"), "other"], "title": hostile("enum title")},
        },
    },
    "triggers": [{"eventPattern": "ui.evil", "description": hostile("trigger")}],
    "steps": [
        {
            "stepId": "echo",
            "taskId": "set",
            "name": hostile("step"),
            "description": hostile("step description"),
            "arguments": {"text": hostile("output")},
        }
    ],
}
DEFINITIONS = [ORDER, NEWER_ORDER, BROKEN, SHIPMENT, EVIL]
INSTANCES: list[tuple[str, dict[str, Any]]] = [
    ("ui.order", {"input": {"amount": 12, "customer": "Ada"}, "correlationId": "order-1"}),
    ("ui.order", {"input": {"amount": 5000, "customer": "Grace"}, "correlationId": "order-2"}),
    ("ui.broken", {"input": {}, "correlationId": "order-3"}),
    (
        "ui.evil",
        {"input": {"text": hostile("input"), hostile("key"): 1}, "correlationId": hostile("correlation")[:255]},
    ),
]
PLAIN_DAG = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("ui_plain"):
    EmptyOperator(task_id="nothing")
"""
