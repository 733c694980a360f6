"""Starting a child instance."""

from __future__ import annotations

import re

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from airflow_workflow_provider.instances.session import Parent
from airflow_workflow_provider.operators.child import MAX_RUN_ID, _refusal, run_id_of
from airflow_workflow_provider.operators.failures import FailedWith

ID = "00000000-0000-5000-8000-000000000001"


def parent(scope: str = "", step_id: str = "s", visit: int = 1, attempt: int = 1) -> Parent:
    return Parent(ID, scope, step_id, visit, attempt, depth=1)


@pytest.mark.parametrize("scope", ["", "p/b", "e[3]", "p/b/e[3]/q/r", "/".join(["x" * 100] * 6)])
def test_p5_the_run_of_a_child_is_named_after_the_attempt_as_airflow_allows(scope: str) -> None:
    name = run_id_of(parent(scope))
    assert re.fullmatch(r"[A-Za-z0-9_.~:+-]+", name)
    assert ".." not in name
    assert len(name) <= MAX_RUN_ID
    assert not name.startswith(("scheduled__", "asset_triggered__", "backfill__"))


def test_p5_every_attempt_has_a_child_of_its_own() -> None:
    names = {
        run_id_of(each)
        for each in (parent(), parent(attempt=2), parent(visit=2), parent(step_id="t"), parent("e[1]"), parent("e[2]"))
    }
    assert len(names) == 6


def test_p5_a_parent_survives_the_conf_of_a_run() -> None:
    assert Parent.from_json(parent("p/b").to_json()) == parent("p/b")


def test_p5_an_input_that_airflow_refuses_is_the_childs_failure() -> None:
    detail = {"detail": "Invalid input for param v: 'x' is not of type 'integer'\n\nFailed validating 'type'"}
    error = AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))
    found = _refusal("w", error)
    assert isinstance(found, FailedWith)
    assert (found.failure.type, found.failure.causes[0].type) == ("BranchFailed", "ValidationError")
    assert found.failure.causes[0].message == "Invalid input for param v: 'x' is not of type 'integer'"


def test_p5_a_workflow_that_cannot_be_started_is_a_coded_error() -> None:
    error = AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status": 404}))
    found = _refusal("w", error)
    assert (found.error_type, found.error_code) == ("TaskNotFound", "workflow-not-started")
