"""What listeners log has fields that say of which instance it is, as what tasks log has."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.listeners import dag_runs, marked_tasks
from airflow_workflow_provider.listeners.marked import MarkedTask
from airflow_workflow_provider.operations.ended_run import EndedRun
from airflow_workflow_provider.store.instances import instance_id
from tests.support.log_fields import Fields

RUN = {"dag_id": "order", "run_id": "r", "instance_id": str(instance_id("order", "r"))}


def _away(_: object) -> bool:
    message = "PostgreSQL does not answer"
    raise StoreUnavailable(message)


def test_an_end_that_cannot_be_settled_is_logged_with_its_instance(
    monkeypatch: pytest.MonkeyPatch, log_fields: Fields
) -> None:
    monkeypatch.setattr("airflow_workflow_provider.listeners.settling.settle_configured", _away)
    dag_runs._settle(EndedRun("order", "r", {}, succeeded=True, reason="success"))
    assert log_fields.of("could not be settled") == RUN


def test_a_mark_that_cannot_be_stored_is_logged_with_its_task(
    monkeypatch: pytest.MonkeyPatch, log_fields: Fields
) -> None:
    monkeypatch.setattr("airflow_workflow_provider.listeners.marking.fail_marked", _away)
    marked_tasks._fail(MarkedTask("order", "r", "pay"))
    assert log_fields.of("could not be stored") == {**RUN, "task_id": "pay"}
