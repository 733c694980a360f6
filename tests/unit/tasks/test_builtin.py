from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_workflow_provider.errors import Misuse, StepFailure
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.task import BUILTIN_TASKS
from airflow_workflow_provider.tasks.builtin import (
    BUILTINS,
    SimulatedCall,
    asks_people,
    builtin,
    builtin_task,
    check_arguments,
    run_pure,
)
from airflow_workflow_provider.tasks.builtins.wait import wait_until

NOW = datetime(2027, 1, 31, 9, tzinfo=UTC)


def test_k3_every_builtin_is_a_task_definition_of_its_own_operator() -> None:
    assert BUILTIN_TASKS == BUILTINS
    assert {builtin_task(name).operator for name in BUILTINS} == BUILTINS
    assert {builtin(name).id for name in BUILTINS} == BUILTINS
    with pytest.raises(KeyError):
        builtin("argument_schemas")


def test_k3_each_builtin_has_one_way_to_run_in_airflow_and_states_what_it_is() -> None:
    for name in sorted(BUILTINS):
        found = builtin(name)
        assert (found.run is None) is (found.operator is not None), name
        assert found.title, name
        assert found.summary.endswith("."), name


def test_k3_the_tasks_that_ask_people() -> None:
    assert {name for name in BUILTINS if asks_people(name)} == {"approval", "form"}
    assert not asks_people("airflow.providers.standard.operators.hitl.ApprovalOperator")


def test_argument_schemas_are_valid_json_schemas() -> None:
    import jsonschema

    for name in BUILTINS:
        jsonschema.Draft202012Validator.check_schema(builtin(name).schema)


@pytest.mark.parametrize(
    ("task_id", "arguments"),
    [
        ("noop", {}),
        ("set", {"anything": [1, {"deep": None}]}),
        ("fail", {}),
        ("fail", {"type": "Refused", "code": None, "message": "no", "details": {"a": 1}}),
        ("wait", {"duration": "PT15M"}),
        ("wait", {"duration": "P2DT12H"}),
        ("wait", {"duration": "P2W"}),
        ("wait", {"until": "2027-01-31T09:00:00+01:00"}),
        ("python", {"callable": "billing.score"}),
        ("http", {"path": "/a", "query": {"tag": ["a", "b"], "n": 1}, "expectedStatus": [200, 404]}),
        ("http", {"path": "a/b", "json": None}),
        ("sql", {"connection": "c", "sql": "select 1", "parameters": [1], "fetch": "one", "maxRows": 1}),
    ],
)
def test_k3_good_arguments_pass(task_id: str, arguments: dict[str, Any]) -> None:
    check_arguments(task_id, arguments)


@pytest.mark.parametrize(
    ("task_id", "arguments", "pointer"),
    [
        ("noop", {"x": 1}, ""),
        ("fail", {"details": "text"}, "/details"),
        ("wait", {}, ""),
        ("wait", {"duration": "PT1S", "until": "2027-01-31T09:00:00Z"}, ""),
        ("wait", {"duration": "P1M"}, "/duration"),
        ("wait", {"duration": "P"}, "/duration"),
        ("wait", {"duration": 5}, "/duration"),
        ("wait", {"until": "2027-01-31T09:00:00"}, "/until"),
        ("wait", {"until": "2027-01-31"}, "/until"),
        ("python", {}, ""),
        ("http", {"path": "x" * 8001}, "/path"),
        ("http", {"path": "/", "json": {}, "body": ""}, ""),
        ("http", {"path": "/", "method": "BREW"}, "/method"),
        ("sql", {"sql": "select 1"}, ""),
        ("sql", {"connection": "c", "sql": "select 1", "maxRows": 0}, "/maxRows"),
    ],
)
def test_k3_bad_arguments_are_a_validation_error(task_id: str, arguments: dict[str, Any], pointer: str) -> None:
    with pytest.raises(StepFailure) as caught:
        check_arguments(task_id, arguments)

    assert caught.value.error_type == "ValidationError"
    assert repr(task_id) in caught.value.message
    assert caught.value.details["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"duration": "PT15M"}, NOW + timedelta(minutes=15)),
        ({"duration": "P1DT0.5S"}, NOW + timedelta(days=1, milliseconds=500)),
        ({"until": "2027-01-31T09:00:00+01:00"}, datetime(2027, 1, 31, 8, tzinfo=UTC)),
        ({"until": "2027-02-01t00:00:00.1234567z"}, datetime(2027, 2, 1, 0, 0, 0, 123456, UTC)),
    ],
)
def test_k3_wait_ends_after_its_duration_or_at_its_time(arguments: dict[str, Any], expected: datetime) -> None:
    assert wait_until(arguments, NOW.astimezone(timezone(timedelta(hours=5)))) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        {"until": "2027-02-30T00:00:00Z"},
        {"until": "2027-01-31T25:00:00Z"},
        {"until": "2027-01-31T09:00:00+24:00"},
        {"duration": "P9999999D"},
        {"duration": "P99999999999999999999D"},
    ],
)
def test_k3_a_bad_value_of_wait_is_a_validation_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(StepFailure) as caught:
        wait_until(arguments, NOW)

    assert caught.value.error_type == "ValidationError"


@pytest.mark.parametrize(
    "text", ["PT5M", "P1W", "P1DT2H3M4.5S", "PT0S", "P1D", "P", "PT", "P1DT", "P1Y", "P1M", "-PT1S", "5M"]
)
def test_the_duration_pattern_agrees_with_the_duration_parser(text: str) -> None:
    def accepted(check: object) -> bool:
        try:
            check()  # type: ignore[operator]
        except (ValueError, StepFailure):
            return False
        return True

    assert accepted(lambda: check_arguments("wait", {"duration": text})) == accepted(lambda: parse_duration(text))


def test_k3_pure_builtins_run_without_airflow() -> None:
    assert run_pure("noop", {}, NOW) == {}
    assert run_pure("set", {"a": [1]}, NOW) == {"a": [1]}
    assert {name for name in BUILTINS if builtin(name).pure} == {"noop", "set", "fail"}


def test_k3_what_a_simulation_does_without_a_mock() -> None:
    call = SimulatedCall(NOW, NOW + timedelta(hours=2), dict)

    def simulated(name: str, arguments: dict[str, Any]) -> Any:
        found = builtin(name).simulated(lambda: arguments, call)
        return None if found is None else (found.output, found.failure and found.failure.type, found.ends_at)

    assert simulated("set", {"a": 1}) == ({"a": 1}, None, None)
    assert simulated("wait", {"duration": "PT1H"}) == ({}, None, NOW + timedelta(hours=1))
    assert simulated("receive", {"eventPattern": "a", "timeout": "PT1H"})[1:] == (
        "TimeoutError",
        NOW + timedelta(hours=1),
    )
    assert simulated("form", {"subject": "?", "schema": {}})[2] == NOW + timedelta(hours=2, seconds=1)
    assert {name for name in BUILTINS if builtin(name).simulate is None and not builtin(name).pure} == {
        "http",
        "python",
        "sql",
    }
    assert simulated("http", {"nonsense": 1}) is None


def test_k3_fail_raises_what_it_was_asked_for() -> None:
    with pytest.raises(StepFailure) as caught:
        run_pure("fail", {"type": "Refused", "code": "E1", "message": "no", "details": {"a": 1}}, NOW)

    error = caught.value
    assert (error.error_type, error.error_code, error.message, error.details) == ("Refused", "E1", "no", {"a": 1})


def test_k3_fail_without_arguments_is_workflow_failed() -> None:
    with pytest.raises(StepFailure) as caught:
        run_pure("fail", {}, NOW)

    assert (caught.value.error_type, caught.value.error_code) == ("WorkflowFailed", None)


def test_a_builtin_of_the_outside_world_is_not_run_here() -> None:
    with pytest.raises(Misuse, match="'http'"):
        run_pure("http", {"path": "/"}, NOW)
