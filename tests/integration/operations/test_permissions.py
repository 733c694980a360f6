"""Who may do what is decided by the use case: each operation, each right, through each interface (rules I5, K3)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

import airflow_workflow_provider
from airflow_workflow_provider.api.access import Access
from airflow_workflow_provider.engine.operating import Operation
from airflow_workflow_provider.errors import Forbidden
from airflow_workflow_provider.operations import bulk, events, reruns
from airflow_workflow_provider.operations.answers import Actor, Answer, Answers
from airflow_workflow_provider.operations.context import EVENTS, OperationContext, Order
from airflow_workflow_provider.operations.permission import Permission, Right, permit_bulk, rights_for
from airflow_workflow_provider.operations.publishing import Publishing
from airflow_workflow_provider.operations.reconcile import Reconciler
from airflow_workflow_provider.people.directory import Person
from airflow_workflow_provider.store.instances import Instances
from tests.integration.api.test_operations import fail
from tests.support.api import Api, moved, problem, start_of
from tests.support.documents import step, workflow
from tests.support.permissions import Refusing

pytestmark = [pytest.mark.postgres, pytest.mark.airflow, pytest.mark.xdist_group("airflow_metadata")]

EXAMPLE = workflow(step("long", "noop"), workflowId="example")
CHANGING = (Right.EDIT, Right.START, Right.OPERATE, Right.ANSWER)
ARGUMENTS: dict[str, dict[str, Any]] = {"skip": {"output": {}}}


class OnlyRows:
    """Finds a row for every id, and lets nobody do more with it."""

    def get(self, _: Any) -> Any:
        return OnlyRow()

    def find(self, _: Any) -> Any:
        return OnlyRow()


class OnlyRow:
    workflow_id = "example"
    run_id = "r"
    instance_id = uuid4()


NOTHING: Any = None
ROWS: Any = OnlyRows()
CONTEXT = OperationContext(ROWS, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)


def order(permission: Permission) -> Order:
    return Order({"id": "1", "name": "Ada"}, permission)


def actor(permission: Permission) -> Actor:
    return Actor(Person("1", "Ada"), permission)


def publishing(permission: Permission) -> Publishing:
    return Publishing(NOTHING, NOTHING, NOTHING, NOTHING, None, permission=permission)


def answers() -> Answers:
    return Answers(ROWS, NOTHING, NOTHING)


Case = tuple[Callable[[Permission], Any], Right | str]


def operating(name: Operation) -> Callable[[Permission], Any]:
    return lambda by: bulk._DOING[name](CONTEXT, uuid4(), order(by), **ARGUMENTS.get(name, {}))


USE_CASES: dict[str, Case] = {
    **{f"{name}: {right.name}": (operating(name), right) for name in EVENTS for right in rights_for(name)},
    "preview of a skip": (lambda by: reruns.preview_skip(CONTEXT, uuid4(), by, output={}), Right.OPERATE),
    "bulk": (lambda by: permit_bulk(by, "cancel", "example", []), Right.OPERATE),
    "bulk on all workflows": (lambda by: permit_bulk(by, "cancel", None, ["example"]), Right.OPERATE),
    "reconciliation": (lambda by: Reconciler(NOTHING, NOTHING).look(by), Right.OPERATE),
    "answer": (lambda by: answers().answer(uuid4(), actor(by), Answer("approve")), Right.ANSWER),
    "claim": (lambda by: answers().claim(uuid4(), actor(by)), Right.ANSWER),
    "release": (lambda by: answers().release(uuid4(), actor(by)), Right.ANSWER),
    "delegate": (lambda by: answers().delegate(uuid4(), actor(by), "bob"), Right.ANSWER),
    "publish": (lambda by: publishing(by).publish(NOTHING, {}, workflow_id="example"), Right.EDIT),
    "publish a task": (lambda by: publishing(by).publish_task(NOTHING, {}), Right.EDIT),
    "activate": (lambda by: publishing(by).set_active("example", active=True), Right.EDIT),
    "accept events": (lambda by: events.accept(NOTHING, [], by), "events"),
    "redrive": (lambda by: events.redrive(ROWS, 1, by), Right.START),
}


@pytest.mark.parametrize("name", USE_CASES)
def test_a_use_case_checks_the_right_before_it_reads_or_changes_anything(name: str) -> None:
    do, right = USE_CASES[name]
    permission = Refusing(cast("Right", right))
    with pytest.raises(Forbidden):
        do(permission)
    assert permission.asked[-1][0] == right
    assert permission.recorded == []


def test_every_operation_on_an_instance_is_tried_here() -> None:
    assert set(bulk._DOING) == set(EVENTS)


def test_no_interface_requires_a_right_to_change_something_itself() -> None:
    """It would be missing at the next interface; what an interface requires are rights to read."""
    package = Path(airflow_workflow_provider.__file__).parent
    found = []
    for path in sorted((package / "api").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr.startswith("require")
            ):
                found += [
                    f"{path.name}:{node.lineno}"
                    for each in node.args
                    if isinstance(each, ast.Attribute) and each.attr in {right.name for right in CHANGING}
                ]
    assert found == []


def by_its_route(client: Any, instance: str, operation: str) -> Any:
    return client.post(f"instances/{instance}/{operation}", json=ARGUMENTS.get(operation, {}))


def in_bulk(client: Any, instance: str, operation: str) -> Any:
    only = {"ids": [instance], "workflowId": "example"}
    return client.post("instances/bulk", json={"operation": operation, "filter": only, **ARGUMENTS.get(operation, {})})


def in_bulk_on_all(client: Any, instance: str, operation: str) -> Any:
    body = {"operation": operation, "filter": {"ids": [instance]}, **ARGUMENTS.get(operation, {})}
    return client.post("instances/bulk", json=body)


def as_a_dry_run(client: Any, instance: str, operation: str) -> Any:
    body = {"operation": operation, "filter": {"ids": [instance]}, "dryRun": True, **ARGUMENTS.get(operation, {})}
    return client.post("instances/bulk", json=body)


INTERFACES = (by_its_route, in_bulk, in_bulk_on_all, as_a_dry_run)
RULES = [(operation, right) for operation in EVENTS for right in rights_for(operation)]


def test_i5_each_operation_requires_its_rights_through_each_interface(api: Api) -> None:
    live, ended = start_of(api, EXAMPLE), start_of(api, EXAMPLE)
    moved(api, ended, lambda machine: fail(machine, "long"))
    client = api.as_role("op")
    before = {name: client.get(f"instances/{name}/log").json() for name in (live, ended)}
    for operation, lacking in RULES:
        instance = live if operation in ("suspend", "resume", "cancel") else ended
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Access, "_may", lacking_only(lacking))
            for interface in INTERFACES:
                problem(interface(client, instance, operation), 403, "forbidden")
            assert operation not in client.get(f"instances/{instance}").json()["operations"]
    assert {name: client.get(f"instances/{name}/log").json() for name in (live, ended)} == before
    assert [Instances(api.database).get(UUID(each)).status for each in (live, ended)] == ["running", "failed"]


def lacking_only(lacking: Right) -> Callable[..., bool]:
    """Return what decides as the auth manager does, without one right."""
    may = Access._may

    def decide(access: Access, right: Right, *more: Any) -> bool:
        return right is not lacking and may(access, right, *more)

    return decide
