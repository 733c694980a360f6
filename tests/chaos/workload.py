"""What runs while faults are injected: workflows of every kind of waiting, and clients that repeat until accepted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from airflow_workflow_provider.errors import Conflict, WorkflowsError
from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions

Json = dict[str, Any]
T = TypeVar("T")

RETRIED: Final[Json] = {"retryPolicy": {"maxAttempts": 5, "delay": "PT1S"}}
PATIENCE: Final = 900.0
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
        "steps": [_step("a", "set", arguments={"n": _cel("input.n")}), _short_wait("b")],
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
        "steps": [_step("a")],
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
    {
        "workflowId": "chaos.items",
        "steps": [
            _step(
                "each",
                forEach={
                    "items": {"type": "jmespath", "expression": "`[1, 2, 3]`"},
                    "maxConcurrency": 1,
                    "steps": [_step("work"), _step("check")],
                },
            ),
            _step("done"),
        ],
    },
    {
        "workflowId": "chaos.compensated",
        "steps": [
            _step("reserve", compensation={"taskId": "noop"}),
            _step("pay", compensation={"taskId": "noop"}),
            {"stepId": "ship", "taskId": "fail", "arguments": {"type": "NoStock"}},
        ],
        "onFailure": {"compensate": True},
    },
)
STARTED: Final = tuple(each["workflowId"] for each in WORKFLOWS if "triggers" not in each)
WEIGHTS: Final = {"chaos.plain": 2, "chaos.items": 2, "chaos.branches": 2}
"""How often a workflow is started, in proportion; once by default."""


def publish(database: Database, number: int = 0) -> None:
    """Store a version of each workflow."""
    for given in WORKFLOWS:
        document = {"name": f"{given['workflowId']} {number}", "version": f"1.0.{number}", **given}
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

    def __init__(self, environment: LocalEnvironment, seed: random.Random) -> None:
        self._environment = environment
        self._random = seed
        self.accepted = Accepted()

    def start(self, number: int, prefix: str) -> None:
        """Start some instances, and send some events that start one."""
        weights = [WEIGHTS.get(each, 1) for each in STARTED]
        chosen = self._random.choices(STARTED, weights, k=number)
        with self._environment.client() as client:
            for index, workflow_id in enumerate(chosen):
                key = f"{prefix}-{index}"
                body = {"input": {"n": index, "key": key}, "correlationId": key}
                headers = {"Idempotency-Key": key}
                path = f"/definitions/{workflow_id}/instances"
                found = insist(lambda: client.workflows("POST", path, json=body, headers=headers))  # noqa: B023
                self.accepted.starts[key] = workflow_id
                self.accepted.instances[key] = found["id"]
            for index in range(max(number // 4, 1)):
                _send(client, "chaos.ordered", f"{prefix}-ordered-{index}", {})
                self.accepted.events.append(f"{prefix}-ordered-{index}")

    def serve(self, client: AirflowClient, unpaid: Sequence[tuple[str, str]]) -> None:
        """Answer open questions, pay what waits for payment, and have compensations run that are owed.

        :param unpaid: what waits for payment, as ids of waits with the keys of instances
        """
        for question in client.workflows("GET", "/questions?limit=200")["items"]:
            if question["status"] == "open" and question["mayAnswer"]:
                # Answered in the moment when the connection was lost, or withdrawn with its instance.
                with suppress(Conflict):
                    client.workflows("POST", f"/questions/{question['id']}/answer", json={"decision": "approve"})
        for wait, key in unpaid:
            _send(client, "chaos.paid", f"{wait}-paid", {"key": key})
        for found in client.workflows("GET", "/instances?compensationOwed=true&limit=50")["items"]:
            with suppress(Conflict):
                client.workflows("POST", f"/instances/{found['id']}/compensate")


def _send(client: AirflowClient, kind: str, event_id: str, data: Json) -> None:
    event = {"specversion": "1.0", "id": event_id, "source": "/chaos", "type": kind, "data": data}
    insist(lambda: client.workflows("POST", "/events", json=event))


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
