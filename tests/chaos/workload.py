"""What runs while faults are injected: workflows of every kind of waiting, and clients that repeat until accepted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from airflow_workflow_provider.errors import Conflict, WorkflowsError
from airflow_workflow_provider.local.client import AirflowClient
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions

Json = dict[str, Any]
T = TypeVar("T")

RETRIED: Final[Json] = {"retryPolicy": {"maxAttempts": 5, "delay": "PT1S"}}
PATIENCE: Final = 240.0
"""Seconds for which a client repeats a request that is not accepted."""


def _step(step_id: str, task_id: str = "noop", **more: Any) -> Json:
    return {"stepId": step_id, "taskId": task_id, **RETRIED, **more}


def _cel(expression: str) -> Json:
    return {"type": "cel", "expression": expression}


PAID: Final = {"key": _cel("input.key")}


def _short_wait(step_id: str) -> Json:
    return _step(step_id, "wait", arguments={"duration": "PT3S"})


WORKFLOWS: Final[tuple[Json, ...]] = (
    {
        "workflowId": "chaos.plain",
        "steps": [_step("a", "set", arguments={"n": _cel("input.n")}), _short_wait("b"), _step("c")],
    },
    {
        "workflowId": "chaos.approved",
        "steps": [
            _step("reserve", compensation={"taskId": "noop"}),
            _step("decide", "approval", arguments={"subject": "Pay?", "assignees": {"users": ["admin"]}}),
            _step("pay", compensation={"taskId": "noop"}),
        ],
        "onFailure": {"compensate": True},
    },
    {
        "workflowId": "chaos.received",
        "steps": [
            _step("order"),
            _step(
                "paid", "receive", arguments={"eventPattern": "chaos.paid", "correlation": {"key": _cel("input.key")}}
            ),
            _step("ship"),
        ],
    },
    {"workflowId": "chaos.parent", "steps": [_step("before"), _step("child", "workflow:chaos.plain"), _step("after")]},
    {
        "workflowId": "chaos.triggered",
        "steps": [_step("a"), _short_wait("b")],
        "triggers": [{"eventPattern": "chaos.ordered"}],
    },
    {
        "workflowId": "chaos.branches",
        "steps": [
            _step(
                "both",
                parallelBranches=[
                    {"branchId": "left", "steps": [_step("l1"), _short_wait("l2")]},
                    {"branchId": "right", "steps": [_step("r1"), _step("r2")]},
                ],
            ),
            _step("join"),
        ],
    },
)
STARTED: Final = tuple(each["workflowId"] for each in WORKFLOWS if "triggers" not in each)


def publish(database: Database) -> None:
    """Store the workflows."""
    for given in WORKFLOWS:
        document = {"name": given["workflowId"], "version": "1.0.0", **given}
        Definitions(database).publish(parse_definition(document), document)


@dataclass
class Accepted:
    """What was accepted in a round, and so must have happened exactly once.

    :ivar starts: workflow by the start's key
    :ivar instances: the instance's id by the start's key
    :ivar events: ids of events that start an instance
    """

    starts: dict[str, str] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)


class Clients:
    """Starts, sends and answers as a client does that lives through outages: again, with the same key."""

    def __init__(self, client: AirflowClient, seed: random.Random) -> None:
        self._client = client
        self._random = seed
        self.accepted = Accepted()

    def start(self, number: int, prefix: str) -> None:
        """Start some instances, and send some events that start one."""
        for index in range(number):
            key = f"{prefix}-{index}"
            workflow_id = self._random.choice(STARTED)
            body = {"input": {"n": index, "key": key}, "correlationId": key}
            headers = {"Idempotency-Key": key}
            path = f"/definitions/{workflow_id}/instances"
            found = insist(lambda: self._client.workflows("POST", path, json=body, headers=headers))  # noqa: B023
            self.accepted.starts[key] = workflow_id
            self.accepted.instances[key] = found["id"]
        for index in range(max(number // 4, 1)):
            self._send("chaos.ordered", f"{prefix}-ordered-{index}", {})
            self.accepted.events.append(f"{prefix}-ordered-{index}")

    def serve(self) -> None:
        """Answer every open question, and pay what waits for payment."""
        for question in self._client.workflows("GET", "/questions?limit=200")["items"]:
            if question["status"] != "open" or not question["mayAnswer"]:
                continue
            try:
                self._client.workflows("POST", f"/questions/{question['id']}/answer", json={"decision": "approve"})
            except Conflict:
                continue  # answered in the moment when the connection was lost, or withdrawn with its instance
        for key, workflow_id in self.accepted.starts.items():
            if workflow_id == "chaos.received":
                self._send("chaos.paid", f"{key}-paid", {"key": key})

    def _send(self, kind: str, event_id: str, data: Json) -> None:
        event = {"specversion": "1.0", "id": event_id, "source": "/chaos", "type": kind, "data": data}
        insist(lambda: self._client.workflows("POST", "/events", json=event))


def insist(request: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Repeat a request until it is accepted.

    :raises WorkflowsError: it was not in time
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return request()
        except (WorkflowsError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
