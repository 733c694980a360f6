"""What a definition may start and publish: what its publisher may, as recorded with the version."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.grants import Grants, Needs, Publisher
from airflow_workflow_provider.operators.child import ChildWorkflowOperator
from airflow_workflow_provider.operators.events import EventOperator
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tables import workflow_definition_versions as versions
from tests.support.documents import step, workflow
from tests.support.store import publish

NESTED = workflow(
    step("a", "workflow:open"),
    step("b", compensation={"taskId": "workflow:hidden"}),
    step(
        "c",
        forEach={
            "items": {"type": "jmespath", "expression": "input.xs"},
            "as": "x",
            "steps": [step("d", "workflow:deep@1.0.0")],
        },
    ),
    step("e", parallelBranches=[{"branchId": "p", "steps": [step("f", "tell")]}]),
    onFailure={"compensate": True},
)


def operator_of(task_id: str) -> str | None:
    return {"tell": "event"}.get(task_id, "noop")


def test_a_definition_gets_what_its_publisher_may_and_a_finding_for_the_rest() -> None:
    definition = WorkflowDefinition.model_validate(NESTED)
    publisher = Publisher(may_start=lambda name: name == "open", may_publish_events=lambda: False)
    sent = json.dumps(Needs.of(definition, operator_of).to_json())
    grants, problems = publisher.grants(Needs.from_json(json.loads(sent)))
    assert grants == Grants(frozenset({"open"}), events=False)
    assert [("/".join(map(str, path)), problem.code) for path, problem in problems] == [
        ("steps/1/compensation/taskId", "WF414"),
        ("steps/2/forEach/steps/0/taskId", "WF414"),
        ("steps/3/parallelBranches/0/steps/0/taskId", "WF414"),
    ]
    assert Grants.of_administrator(definition) == Grants(frozenset({"open", "hidden", "deep"}), events=True)


def test_each_task_that_a_step_can_select_needs_its_right() -> None:
    select = {"type": "jmespath", "expression": "input.t"}
    choice = {"oneOf": ["workflow:open", "noop", "workflow:hidden@1.0.0", "tell"], "select": select}
    definition = WorkflowDefinition.model_validate(workflow({"stepId": "a", "taskId": choice}))
    publisher = Publisher(may_start=lambda name: name == "open", may_publish_events=lambda: False)
    grants, problems = publisher.grants(Needs.of(definition, operator_of))
    assert grants == Grants(frozenset({"open"}), events=False)
    assert ["/".join(map(str, path)) for path, _ in problems] == ["steps/0/taskId/oneOf/2", "steps/0/taskId/oneOf/3"]


def test_a_run_asks_what_was_recorded() -> None:
    child = ChildWorkflowOperator(task_id="t", arguments={"workflow": "workflow:other@1.0.0", "input": {}})
    child.grants = Grants(frozenset({"open"}))
    context: Any = {"workflow": {"instance_id": str(uuid4()), "scope": "", "step_id": "s", "visit": 1, "attempt": 1}}
    child._parent = lambda _: None  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(StepFailure, match="may not start the workflow 'other'"):
        child.execute(context)
    event = EventOperator(task_id="t", arguments={"type": "order.paid"})
    event.grants = Grants()
    with pytest.raises(StepFailure, match="may not publish events"):
        event.execute(context)
    assert Grants(older=True).child_problem("other") is None
    assert Grants(older=True).event_problem() is None


@pytest.mark.postgres
def test_grants_are_kept_with_the_version_and_an_older_one_has_none(database: Database) -> None:
    document = workflow(step("a", "workflow:open"))
    publish(database, document, grants=Grants(frozenset({"open"})))
    (stored,) = Definitions(database).at_revision(10)
    assert Grants.from_json(stored.grants) == Grants(frozenset({"open"}))
    with database.begin() as connection:
        connection.execute(versions.update().values(grants=None))
    (stored,) = Definitions(database).at_revision(10)
    assert Grants.from_json(stored.grants) == Grants(older=True)


@pytest.mark.postgres
def test_stored_definitions_that_break_the_rules_are_listed(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    publish(database, workflow(step("a")))
    assert main(["list", "--findings"]) == 0
    old = {**workflow(step("a", "sql", arguments={"connection": "workflows_default", "sql": "delete from x"}))}
    publish(database, {**old, "workflowId": "old"})
    capsys.readouterr()
    assert main(["list", "--findings", "--output", "json"]) == 1
    found = [(each["kind"], each["id"], each["code"], each["pointer"]) for each in json.loads(capsys.readouterr().out)]
    assert sorted(found) == [
        ("workflow", "old", "WF410", "/steps/0/arguments/connection"),
        ("workflow", "old", "WF413", "/steps/0/arguments/sql"),
    ]


@pytest.mark.postgres
@pytest.mark.airflow
def test_the_api_asks_the_auth_manager(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_workflow_provider.api.access import Access
    from airflow_workflow_provider.operations.permission import Right

    may = Access.may

    def all_but_payroll(access: Access, right: Right, name: str | None) -> bool:
        return (right, name) != (Right.START, "payroll") and may(access, right, name)

    monkeypatch.setattr(Access, "may", all_but_payroll)
    client = api.as_role("op")
    document = workflow(step("a", "workflow:payroll"), workflowId="starter")
    answer = client.post("/definitions/validate", json=document).json()
    assert (answer["valid"], [each["code"] for each in answer["diagnostics"]]) == (False, ["WF414"])
    refused = client.put("/definitions/starter", json=document)
    assert refused.status_code == 422
    assert "WF414" in refused.text
    allowed = client.put("/definitions/starter", json=workflow(step("a", "workflow:open"), workflowId="starter"))
    assert allowed.status_code == 201
