"""The operators behind the built-in tasks."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_workflow_provider.errors import StepFailure, TaskError
from airflow_workflow_provider.operators.builtin import (
    STEP_CONTEXT,
    BuiltInOperator,
    PythonTaskOperator,
    WaitOperator,
    built_in_operator,
)
from airflow_workflow_provider.operators.http import HttpError, HttpTaskOperator
from airflow_workflow_provider.operators.sql import _json_value
from airflow_workflow_provider.tasks import registry
from airflow_workflow_provider.tasks.builtin import BUILTINS
from airflow_workflow_provider.tasks.registry import Registry, StepContext, workflow_task


def run(operator: type, arguments: dict[str, Any], context: dict[str, Any] | None = None) -> Any:
    return operator(task_id="t", arguments=arguments).execute(context or {})


def test_k3_pure_tasks_need_their_arguments_only() -> None:
    assert run(built_in_operator("noop"), {}) == {}
    assert run(built_in_operator("set"), {"a": 1}) == {"a": 1}
    with pytest.raises(StepFailure) as caught:
        run(built_in_operator("fail"), {"type": "Nope", "code": "E1", "message": "no"})
    assert (caught.value.error_type, caught.value.error_code) == ("Nope", "E1")


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_k3_every_builtin_has_an_operator_of_its_name(name: str) -> None:
    operator = built_in_operator(name)
    assert issubclass(operator, BuiltInOperator)
    assert operator.name == name
    assert operator is built_in_operator(name)


def test_k3_an_operator_of_a_function_is_called_like_the_task() -> None:
    assert [built_in_operator(name).__name__ for name in ("noop", "set", "fail")] == [
        "NoopOperator",
        "SetOperator",
        "FailOperator",
    ]


@pytest.mark.parametrize("name", ["noop", "wait", "python", "http", "sql"])
def test_k3_arguments_that_do_not_fit_are_a_validation_error(name: str) -> None:
    with pytest.raises(StepFailure) as caught:
        run(built_in_operator(name), {"nonsense": 1})
    assert caught.value.error_type == "ValidationError"


def test_k3_a_long_wait_holds_no_worker() -> None:
    with pytest.raises(TaskDeferred) as caught:
        run(WaitOperator, {"duration": "PT1H"})
    remaining = caught.value.trigger.moment - datetime.now(UTC)
    assert timedelta(minutes=59) < remaining <= timedelta(hours=1)


def test_k3_a_wait_until_the_past_ends_at_once() -> None:
    assert run(WaitOperator, {"until": "2001-01-01T00:00:00Z"}) == {}


def test_k1_a_registered_function_gets_input_and_context(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Registry(group=None)
    monkeypatch.setattr(registry, "REGISTRY", known)
    monkeypatch.setattr("airflow_workflow_provider.operators.builtin.REGISTRY", known)

    @workflow_task("tests.add", registry=known)
    def add(step_input: dict[str, Any], *, context: StepContext) -> dict[str, Any]:
        return {"sum": step_input["a"] + 1, "key": context.idempotency_key}

    found = run(
        PythonTaskOperator,
        {"callable": "tests.add", "input": {"a": 1}},
        {STEP_CONTEXT: StepContext(instance_id="i", step_id="s", idempotency_key="i/s/1")},
    )
    assert found == {"sum": 2, "key": "i/s/1"}
    with pytest.raises(StepFailure) as caught:
        run(PythonTaskOperator, {"callable": "tests.unknown"})
    assert caught.value.error_type == "TaskNotFound"


@pytest.fixture
def example_http(example_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AIRFLOW_CONN_EXAMPLE", example_server.address)
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_CONNECTIONS", '{"http": ["example"]}')
    return example_server


def test_k3_http_returns_status_headers_and_body(example_http: Any) -> None:
    arguments = {"connection": "example", "path": "/companies", "query": {"domain": "example.com", "all": True}}
    found = run(HttpTaskOperator, arguments)
    assert found["status"] == 200
    assert found["headers"]["content-type"].startswith("application/json")
    assert isinstance(found["body"], dict)
    method, path, _, _ = example_http.received[-1]
    assert (method, path) == ("GET", "/companies?domain=example.com&all=true")


@pytest.mark.usefixtures("example_http")
def test_k3_http_fails_with_a_status_that_is_not_expected() -> None:
    with pytest.raises(HttpError) as caught:
        run(HttpTaskOperator, {"connection": "example", "path": "/nowhere"})
    assert (caught.value.error_type, caught.value.error_code) == ("HttpError", "404")
    assert isinstance(caught.value, TaskError)
    assert run(HttpTaskOperator, {"connection": "example", "path": "/nowhere", "expectedStatus": 404})["status"] == 404
    listed = {"connection": "example", "path": "/nowhere", "expectedStatus": [200, 404]}
    assert run(HttpTaskOperator, listed)["status"] == 404


def test_k3_http_sends_json_and_text(example_http: Any) -> None:
    run(HttpTaskOperator, {"connection": "example", "method": "POST", "path": "/enriched", "json": {"a": [1, None]}})
    _, _, headers, body = example_http.received[-1]
    assert headers["content-type"] == "application/json"
    assert body == {"a": [1, None]}
    text = {"connection": "example", "method": "POST", "path": "/enriched", "body": json.dumps({"t": "é"})}
    run(HttpTaskOperator, {**text, "headers": {"Idempotency-Key": "k-1"}})
    _, _, headers, body = example_http.received[-1]
    assert headers["idempotency-key"] == "k-1"
    assert body == {"t": "é"}


def test_values_of_a_database_become_json() -> None:
    uuid = UUID("00000000-0000-0000-0000-000000000001")
    found = [Decimal("1.50"), Decimal(2), date(2027, 1, 2), datetime(2027, 1, 2, tzinfo=UTC), uuid, b"ab", {"a": (1,)}]
    assert [_json_value(value) for value in found] == [
        1.5, 2, "2027-01-02", "2027-01-02T00:00:00+00:00", str(uuid), "YWI=", {"a": [1]}
    ]  # fmt: skip
