"""The conformance cases in a real Airflow: the same definitions, the same outcomes, Airflow's own scheduling.

Some of each kind, see :mod:`tests.conformance.kinds`. All of them run side by side in one Airflow; each is then a test
of its own.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.store.database import Database
from tests.conformance.cases import Case, Observed
from tests.conformance.kinds import cases_in_airflow
from tests.support.airflow import RunningAirflow
from tests.support.scenarios import Outcome, Scenario
from tests.support.scripted import task_definition
from tests.support.stored import check_stored_state, check_stored_steps

pytestmark = [pytest.mark.daemons, pytest.mark.xdist_group("airflow"), pytest.mark.slow, pytest.mark.timeout(2_700)]


CASES = cases_in_airflow()


def workflow_id(case: Case) -> str:
    own: str = case.document["workflowId"]
    return f"case.{case.name}" if own == case.name.replace("_", "-") else own


def scenarios_of(case: Case) -> list[Scenario]:
    """Return the definitions that a case may run as children, then its own; ids that others have too are changed."""
    shared = {name for other in CASES if other is not case for name in _children(other)}
    children = {name: f"{workflow_id(case)}.{name}" if name in shared else name for name in _children(case)}
    names = {f"workflow:{name}": f"workflow:{new}" for name, new in children.items()}
    names |= {task.task_id: f"{workflow_id(case)}.{task.task_id}" for task in case.tasks}
    mocks = {names.get(name, name): outcomes for name, outcomes in case.mocks.items()}
    tasks = [_task(_renamed(_document(task), names)) for task in case.tasks]
    made = [
        Scenario(children[name], _renamed(_document(found), names), mocks=mocks, tasks=tasks)
        for name, found in _children(case).items()
    ]
    return [*made, Scenario(workflow_id(case), _renamed(case.document, names), case.input, mocks, tasks)]


def _children(case: Case) -> dict[str, WorkflowDefinition]:
    """Return the newest version of each definition that a case may run as a child."""
    return {name: found for name, found in case.workflows.items() if "@" not in name}


def _task(document: dict[str, Any]) -> dict[str, Any]:
    """Return a task definition; one that stands for any task becomes a scripted one."""
    if document["operator"] != "conformance.Scripted":
        return document
    return {**document, **task_definition(document["taskId"], compensation="undo" in document["taskId"])}


def _document(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Return a document with its references to tasks and child workflows renamed."""
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = {key: _renamed(item, names) for key, item in value.items()}
    task = renamed.get("taskId")
    if isinstance(task, str):
        renamed["taskId"] = _name(task, names)
    elif isinstance(task, dict):
        task["oneOf"] = [_name(each, names) for each in task["oneOf"]]
        for name, new in names.items():
            task["select"]["expression"] = task["select"]["expression"].replace(f"'{name}'", f"'{new}'")
    return renamed


def _name(task_id: str, names: dict[str, str]) -> str:
    name, at, version = task_id.partition("@")
    return names.get(name, name) + at + version


CHILDREN = [one for case in CASES for one in scenarios_of(case)[:-1]]
SCENARIOS = [scenarios_of(case)[-1] for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_in_airflow(case: Case, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[workflow_id(case)]
    error = outcome.error
    for name in _children(case):
        error = json.loads(json.dumps(error).replace(f"{workflow_id(case)}.{name}", name))
    observed = Observed(
        status=outcome.status,
        output=outcome.output,
        error=error,
        path=_ordered(case, outcome.path),
        steps=outcome.state["steps"],
        data=outcome.state["data"],
        variables=outcome.state["variables"],
        rows=outcome.rows,
    )
    assert case.mismatches(observed) == []
    assert outcome.run_state == {"completed": "success", "failed": "failed"}[outcome.status]


def test_every_state_that_was_ever_stored_fits_its_published_schema(
    running_airflow: RunningAirflow, outcomes: dict[str, Outcome]
) -> None:
    with Database(running_airflow.workflows_url) as database, database.begin() as connection:
        states = connection.execution_options(stream_results=True).execute(text("SELECT state FROM states_ever_stored"))
        seen = 0
        for state in states.scalars():
            check_stored_state(state)
            seen += 1
        steps = connection.execute(text("SELECT workflow_id, steps FROM workflow_definitions")).all()
    assert seen > 3 * len(outcomes)
    assert len(steps) >= len(outcomes)
    for _, stored in steps:
        check_stored_steps(stored)


def _ordered(case: Case, path: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return a path that can be compared: branches that really run at once have no order among them."""
    return None if '"parallelBranches"' in json.dumps(case.document) else path
