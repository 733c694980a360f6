"""Every way to start an instance obeys the same rules: each rule, through each of them (rules X6, E3, E4, P5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.errors import Forbidden, StepFailure
from airflow_workflow_provider.instances.run_conf import ABOUT
from airflow_workflow_provider.instances.session import InstanceSession, Parent, Run
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.operations.start_instance import Starter
from airflow_workflow_provider.operators import child as child_operator
from airflow_workflow_provider.operators.child import ChildWorkflowOperator
from airflow_workflow_provider.operators.failures import FailedWith
from airflow_workflow_provider.settings import MAX_DEPTH
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.delivering import Deliverer
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.run_requests import RunRequests
from airflow_workflow_provider.tasks.mocks import Simulator
from airflow_workflow_provider.workers.events import start_instance
from tests.support.api import Api, problem, runs
from tests.support.documents import step, workflow
from tests.support.events import event
from tests.support.permissions import Refusing

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.xdist_group("airflow_metadata")]

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "unit": {"type": "string", "default": "EUR"}},
    "required": ["amount"],
}
DOCUMENT = workflow(
    step("a"), workflowId="order", version="1.0.0", inputSchema=SCHEMA, triggers=[{"eventPattern": "order.*"}]
)
PLACE = Parent("00000000-0000-5000-8000-000000000001", "", "call", 1, 1, 1)

Start = Callable[[Api, Any], dict[str, Any] | None]
"""Starts an instance with an input; gives the input that it has, or null where the start was refused."""


def by_the_api(api: Api, given: Any) -> dict[str, Any] | None:
    answer = api.as_role("user").post("definitions/order/instances", json={"input": given})
    if answer.status_code == 422:
        assert runs("order") == []
        return None
    assert answer.status_code == 201, answer.text
    (run,) = runs("order")
    return Instances(api.database).get(Run("order", run.run_id).instance_id).input


def by_an_event(api: Api, given: Any) -> dict[str, Any] | None:
    Events(api.database).accept([event(data=given)])
    starter = partial(start_instance, database=api.database)
    Deliverer(api.database, starter).deliver()
    (delivery,) = Deliveries(api.database).list()
    if delivery.status == "dead":
        assert runs("order") == []
        return None
    assert delivery.status == "started"
    (run,) = runs("order")
    return instance_of(api, run.run_id, run.conf)


def by_airflow(api: Api, given: Any) -> dict[str, Any] | None:
    """What its form sends is checked by the first task: the instance has failed before any step."""
    return instance_of(api, "manual__1", given)


def by_a_step_of_a_version(api: Api, given: Any) -> dict[str, Any] | None:
    return requested(api, given, "1.0.0")


def by_a_step(api: Api, given: Any) -> dict[str, Any] | None:
    return requested(api, given, None)


def requested(api: Api, given: Any, version: str | None) -> dict[str, Any] | None:
    operator = child(given)
    wanted = operator._version(version)
    try:
        operator._request(wanted, PLACE, {}, None, at_least=version is None)
    except FailedWith as error:
        refused_by(error)
        return None
    (request,) = RunRequests(api.database).claim()
    return instance_of(api, request.run_id, request.conf)


def refused_by(error: FailedWith) -> None:
    assert error.failure.type == "BranchFailed"
    assert error.failure.causes[0].type == "ValidationError"


def in_a_simulation(_: Api, given: Any) -> dict[str, Any] | None:
    ended = Simulator().run(parse_definition(DOCUMENT), given, now=datetime.now(UTC))
    if ended.status == "failed":
        assert ended.error is not None
        assert ended.error["type"] == "ValidationError"
        return None
    found: dict[str, Any] = ended.state["input"]
    return found


def child(given: Any) -> ChildWorkflowOperator:
    return ChildWorkflowOperator(
        task_id="call", arguments={"workflow": "workflow:order", "input": given, "correlationId": None}
    )


def instance_of(api: Api, run_id: str, conf: dict[str, Any]) -> dict[str, Any] | None:
    """Make the instance of a run, as its first task does."""
    run = Run("order", run_id, conf)
    graph = Graph.of(parse_definition(DOCUMENT))
    InstanceSession(graph, 1, run, instances=Instances(api.database)).change(lambda _: None)
    found = Instances(api.database).get(run.instance_id)
    if found.status == "failed":
        assert found.error is not None
        assert found.error["type"] == "ValidationError"
        return None
    return found.input


WAYS: dict[str, Start] = {
    "API": by_the_api,
    "event": by_an_event,
    "Airflow": by_airflow,
    "step, pinned": by_a_step_of_a_version,
    "step": by_a_step,
    "simulation": in_a_simulation,
}
RULES: dict[str, tuple[Any, dict[str, Any] | None]] = {
    "what fits is taken, with defaults": ({"amount": 1}, {"amount": 1, "unit": "EUR"}),
    "what does not fit is refused": ({"amount": "much"}, None),
    "what is missing is refused": ({}, None),
    "a default does not replace what is given": ({"amount": 1, "unit": "CHF"}, {"amount": 1, "unit": "CHF"}),
    "an integer of more than 64 bits is exact": ({"amount": 2**64 + 1}, {"amount": 2**64 + 1, "unit": "EUR"}),
    "a reserved name is refused": ({"amount": 1, ABOUT: {"parent": {}}}, None),
}
EXCEPTIONS = {
    # Users hand on the conf of another run in Airflow's form; it is ignored, and the log says so.
    ("a reserved name is refused", "Airflow"): {"amount": 1, "unit": "EUR"},
    # Airflow cannot hand it to the tasks of a run that it makes itself.
    ("an integer of more than 64 bits is exact", "Airflow"): None,
}


@pytest.fixture(autouse=True)
def airflow_without_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of a task asks Airflow whether there is a run of the child: there is none."""
    monkeypatch.setattr(child_operator, "conf_of_run", lambda *_: None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rule", RULES)
def test_x6_every_way_to_start_obeys_the_rule(
    api: Api, database_url: str, monkeypatch: pytest.MonkeyPatch, rule: str, way: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    api.publish(DOCUMENT)
    given, expected = RULES[rule]
    expected = EXCEPTIONS.get((rule, way), expected)
    assert WAYS[way](api, given) == expected


def test_who_may_not_start_starts_nothing_by_the_api(api: Api) -> None:
    api.publish(DOCUMENT)
    problem(api.as_role("viewer").post("definitions/order/instances", json={"input": {"amount": 1}}), 403, "forbidden")
    assert runs("order") == []


def test_the_permission_is_asked_by_the_use_case_before_anything_else() -> None:
    """Whichever door comes to use it: without an answer to whether the caller may, nothing can be started."""
    permission = Refusing()
    nothing: Any = None
    with pytest.raises(Forbidden):
        Starter(nothing, nothing, nothing, nothing, permission, nothing).start("order", {"amount": 1}, key="k")
    assert permission.asked == [(Right.START, "order")]


def test_p5_workflows_nest_as_deep_in_a_simulation_as_in_airflow(
    api: Api, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    api.publish(DOCUMENT)
    operator = child({})
    operator._check(Parent(PLACE.instance_id, "", "call", 1, 1, MAX_DEPTH), "order")
    with pytest.raises(StepFailure) as refused:
        operator._check(Parent(PLACE.instance_id, "", "call", 1, 1, MAX_DEPTH + 1), "order")
    assert refused.value.error_code == "max-depth"

    def nested(levels: int) -> str:
        """Run workflows of which each runs the next one."""
        names = [f"w{number}" for number in range(levels + 1)]
        workflows = {
            name: parse_definition(workflow(step("s", f"workflow:{inner}"), workflowId=name))
            for name, inner in pairwise(names)
        }
        workflows[names[-1]] = parse_definition(workflow(step("s"), workflowId=names[-1]))
        simulator = Simulator(workflows=workflows)
        return simulator.run(workflows["w0"], {}, now=datetime.now(UTC)).status

    assert nested(MAX_DEPTH) == "completed"
    assert nested(MAX_DEPTH + 1) == "failed"
