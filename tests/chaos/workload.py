"""What runs while faults are injected: workflows of every kind of waiting, and clients that repeat until accepted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
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
PATIENCE: Final = 1800.0
"""Seconds for which a client repeats a request that is not accepted, and a fault waits for what another one took."""


def _step(step_id: str, task_id: str = "noop", **more: Any) -> Json:
    return {"stepId": step_id, "taskId": task_id, **RETRIED, **more}


def _cel(expression: str) -> Json:
    return {"type": "cel", "expression": expression}


PAID: Final = {"key": _cel("input.key")}
PLANTED: Final = "planted-secret-"
"""Begins the secret that is in the input of each start."""
INPUT: Final[Json] = {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}}
LOG: Final[Json] = {"level": "debug"}
"""Everything, so that a gap is seen."""
_GIVEN: Final[Json] = {"type": "jsonata", "expression": "'Refused: ' & $string(input)"}


def _short_wait(step_id: str) -> Json:
    return _step(step_id, "wait", arguments={"duration": "PT3S"})


_TASKS: Final[tuple[Json, ...]] = (
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
            {"stepId": "ship", "taskId": "fail", "arguments": {"type": "NoStock", "message": _GIVEN}},
        ],
        "onFailure": {"compensate": True},
    },
)
_INLINE: Final = ("chaos.items", "chaos.branches", "chaos.approved", "chaos.parent", "chaos.compensated")
"""What also has a twin that runs all steps in one task of Airflow, and so costs little."""


def _twin(document: Json) -> Json:
    return {**document, "workflowId": f"{document['workflowId']}-inline", "settings": {"execution": "inline"}}


_SHORT: Final[Json] = {
    "workflowId": "chaos.short-inline",
    "settings": {"execution": "inline"},
    "steps": [_step("a", "set", arguments={"n": _cel("input.n")}), _step("b"), _step("c")],
}
WORKFLOWS: Final[tuple[Json, ...]] = (
    *_TASKS,
    *(_twin(each) for each in _TASKS if each["workflowId"] in _INLINE),
    _SHORT,
)
FEW: Final = tuple(
    each
    for each in WORKFLOWS
    if each["workflowId"]
    in ("chaos.plain", "chaos.triggered", "chaos.short-inline", "chaos.items-inline", "chaos.compensated-inline")
)
"""The workflows of the short form: each way to start an instance and to run it, few processes."""

COMPENSATING: Final = tuple(each["workflowId"] for each in WORKFLOWS if "onFailure" in each)
_WEIGHTS: Final = MappingProxyType(
    {
        "chaos.short-inline": 10,
        "chaos.items-inline": 8,
        "chaos.compensated-inline": 6,
        "chaos.branches-inline": 3,
        "chaos.approved-inline": 3,
        "chaos.parent-inline": 2,
    }
)
"""How often a workflow is started, in proportion; once by default: a task of Airflow costs far more than a step."""


def publish(database: Database, workflows: Sequence[Json], number: int = 0) -> None:
    """Store a version of each workflow."""
    for given in workflows:
        name = f"{given['workflowId']} {number}"
        document = {"name": name, "version": f"1.0.{number}", "inputSchema": INPUT, "executionLog": LOG, **given}
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

    def number(self, prefix: str) -> int:
        """Return how many instances were accepted whose keys have a prefix."""
        return sum(1 for key in (*self.starts, *self.events) if key.startswith(f"{prefix}-"))


class Clients:
    """Starts, sends and answers as a client does that lives through outages: again, with the same key.

    :param workflows: that are published
    """

    def __init__(self, environment: LocalEnvironment, seed: random.Random, workflows: Sequence[Json]) -> None:
        self._environment = environment
        self._random = seed
        self._started = [each["workflowId"] for each in workflows if "triggers" not in each]
        self.accepted = Accepted()

    def start(self, number: int, prefix: str, wanted: Sequence[str] = ()) -> None:
        """Start some instances, those of wanted workflows first, and send some events that start one."""
        weights = [_WEIGHTS.get(each, 1) for each in self._started]
        chosen = [*wanted, *self._random.choices(self._started, weights, k=number)][:number]
        with self._environment.client() as client:
            for index, workflow_id in enumerate(chosen):
                key = f"{prefix}-{index}"
                body = {"input": {"n": index, "key": key, "pin": f"{PLANTED}{key}"}, "correlationId": key}
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
