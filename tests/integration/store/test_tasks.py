"""Task definitions in the database (rules K1 and K2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from airflow_workflow_provider.errors import InvalidDefinition, NotFound
from airflow_workflow_provider.instances.graphs import stored_at
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from tests.support.store import document as workflow
from tests.support.store import publish

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

pytestmark = pytest.mark.postgres


def task(task_id: str = "charge", **more: Any) -> dict[str, Any]:
    return {"taskId": task_id, "name": "Charge", "operator": "http", "arguments": {"method": "POST"}, **more}


def store(database: Database, given: dict[str, Any], **options: Any) -> Any:
    return Tasks(database).publish(TaskDefinition.model_validate(given), given, **options)


def test_k2_a_task_has_a_revision_for_each_content(database: Database) -> None:
    tasks = Tasks(database)
    first = store(database, task(timeout="PT1M", retryPolicy={"maxAttempts": 2}), actor="ann")
    assert first.outcome == "created"
    assert store(database, task(timeout="PT1M", retryPolicy={"maxAttempts": 2.0})).outcome == "unchanged"
    workflow_revision = publish(database, workflow()).revision
    second = store(database, task())
    assert second.outcome == "updated"
    # One sequence counts workflows and tasks.
    assert first.revision < workflow_revision < second.revision == Definitions(database).highest_revision()

    assert tasks.get("charge").document == task()
    assert [row.document.get("timeout") for row in tasks.at_revision(workflow_revision)] == ["PT1M"]
    store(database, task("approve"))
    assert [row.task_id for row in tasks.list()] == ["approve", "charge"]
    assert store(database, task(timeout="PT1M", retryPolicy={"maxAttempts": 2})).outcome == "updated"  # and back


def test_a_task_that_does_not_exist(database: Database) -> None:
    with pytest.raises(NotFound, match="no task 'charge' in the database"):
        Tasks(database).get("charge")
    with pytest.raises(InvalidDefinition):
        store(database, task(description="\ud800"))


def test_a_workflow_is_read_with_the_tasks_that_it_names_and_no_others(database: Database) -> None:
    store(database, task())
    store(database, task("unused"))
    calls = workflow(workflow_id="calls", steps=[{"stepId": "a", "taskId": "charge"}])
    revisions = {name: publish(database, each).revision for name, each in {"calls": calls, "own": workflow()}.items()}
    store(database, task(timeout="PT1M"))
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    found, tasks = stored_at(Definitions(database), Tasks(database), "calls", revisions["calls"])
    assert ([each.workflow_id for each in found], [each.document for each in tasks]) == (["calls"], [task()])
    asked.clear()
    found, tasks = stored_at(Definitions(database), Tasks(database), workflow()["workflowId"], revisions["own"])
    assert (len(found), tasks) == (1, ())
    assert len([statement for statement in asked if "workflow_definition_versions" in statement]) == 1
    assert not [statement for statement in asked if "task_definition_versions" in statement]
